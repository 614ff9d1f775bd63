--TEST--
Names bound in one request are unknown to the next one of the same process
--INI--
amm.shm_path={TMP}/config-names_belong_to_the_request.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

[$port] = closedPorts(1);
$folder = sys_get_temp_dir() . '/names_belong_to_the_request';
mkdir($folder);
file_put_contents("$folder/define.php", '<?php Amm\Cluster::define("main", ["flavour" => "galera", "nodes" => ["10.0.0.1"]]); Amm\Cluster::beginScope(); echo getmypid(), " ", implode(",", Amm\Cluster::names());');
file_put_contents("$folder/names.php", '<?php echo getmypid(), " ", implode(",", Amm\Cluster::names());');

$server = proc_open([PHP_BINARY, '-d', 'amm.shm_path=' . ini_get('amm.shm_path'), '-S', "127.0.0.1:$port", '-t', $folder], [2 => ['file', '/dev/null', 'w']], $pipes);
within(5, fn () => @fsockopen('127.0.0.1', $port) !== false);

[$first, $names] = explode(' ', file_get_contents("http://127.0.0.1:$port/define.php"));
check('defined in the first', $names === 'main', $names);
[$second, $names] = explode(' ', file_get_contents("http://127.0.0.1:$port/names.php"));
check('the same process', $first === $second);
check('unknown in the second', $names === '', $names);

proc_terminate($server);
check('ends when told', within(5, fn () => ! proc_get_status($server)['running']));
array_map('unlink', glob("$folder/*"));
rmdir($folder);
?>
--EXPECT--
ok: defined in the first
ok: the same process
ok: unknown in the second
ok: ends when told
