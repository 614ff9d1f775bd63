--TEST--
Upon SIGHUP Monitor::run() reads the file of amm.config again; a mistake in it changes nothing
--INI--
amm.shm_path={TMP}/monitor-reads_its_file_again.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

[$a, $b] = array_map(fn ($port) => "127.0.0.1:$port", closedPorts(2));
$file = ini_get('amm.shm_path') . '.toml';
$write = fn (string $name, string $node) => file_put_contents($file, "[cluster.$name]\nflavour = 'galera'\nusername = 'amm'\nnodes = ['$node']\n");
$led = fn (string $node) => (cluster(['nodes' => [$node]], 'x')->status()['leader']['pid'] ?? null);

$write('one', $a);
$service = new Service([], ini: ['amm.config' => $file]);
check('the first', $service->says("one: $a is down") && $led($a) === $service->pid, $service->log());

file_put_contents($file, "[cluster.two]\nnodes = 5\n");
$service->signal(1);
check('a mistake is told', $service->says('the configuration stays') && $service->says('nodes'), $service->log());
check('and changes nothing', $led($a) === $service->pid);

$write('two', $b);
$service->signal(1);
check('another cluster', $service->says("two: $b is down") && within(2, fn () => $led($b) === $service->pid), $service->log());
check('the first is probed no more', within(2, fn () => $led($a) === null));
$service->signal(15);
check('it ends', $service->end() === 0, $service->ended);
unlink($file);
?>
--EXPECT--
ok: the first
ok: a mistake is told
ok: and changes nothing
ok: another cluster
ok: the first is probed no more
ok: it ends
