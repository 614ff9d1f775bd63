--TEST--
Monitor::run() refuses what cannot be meant: a time that is none, no cluster, a mistaken file, a web server
--INI--
amm.shm_path={TMP}/monitor-refusals.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

use Amm\Exception\{AmmException, ConfigError};

foreach (['0' => 0, 'a negative number' => -0.5, 'NAN' => NAN, 'INF' => INF] as $what => $seconds) {
    throws($what, ValueError::class, ['$seconds', 'greater than 0'], fn () => Amm\Monitor::run($seconds));
}
check('a word', thrown(fn () => Amm\Monitor::run('soon')) instanceof TypeError);
throws('no cluster', AmmException::class, ['no cluster to probe', 'amm.config'], fn () => Amm\Monitor::run(1));
cluster();
throws('no username', AmmException::class, ['no cluster has a username'], fn () => Amm\Monitor::run(1));
check('it cannot be made', thrown(fn () => (new ReflectionClass(Amm\Monitor::class))->newInstance()) instanceof ReflectionException);

$file = ini_get('amm.shm_path') . '.toml';
file_put_contents($file, "[cluster.main]\nnodes = []\n");
$said = inAnotherProcess('try { Amm\Monitor::run(1); } catch (Throwable $e) { echo get_class($e), ": ", $e->getMessage(); }', ['amm.config' => $file]);
check('a mistake in the file', str_starts_with($said, ConfigError::class) && str_contains($said, 'nodes'), $said);
unlink($file);

[$port] = closedPorts(1);
$page = ini_get('amm.shm_path') . '.php';
file_put_contents($page, '<?php Amm\Cluster::define("m", ["nodes" => ["127.0.0.1:1"], "username" => "amm"]);
    try { Amm\Monitor::run(); } catch (Throwable $e) { echo get_class($e), ": ", $e->getMessage(); }');
$server = proc_open([PHP_BINARY, '-S', "127.0.0.1:$port", $page], [['file', '/dev/null', 'r'], ['file', '/dev/null', 'w'], ['file', '/dev/null', 'w']], $pipes);
within(5, function () use ($port, &$said) { return ($said = @file_get_contents("http://127.0.0.1:$port/")) !== false; });
proc_terminate($server, 9);
unlink($page);
check('a web server', str_starts_with($said, AmmException::class) && str_contains($said, '"cli-server"') && str_contains($said, 'amm.monitor=auto'), $said);
?>
--EXPECT--
ok: 0
ok: a negative number
ok: NAN
ok: INF
ok: a word
ok: no cluster
ok: no username
ok: it cannot be made
ok: a mistake in the file
ok: a web server
