--TEST--
After Monitor::run() a signal does what it did before: its handler runs, or the process ends
--EXTENSIONS--
pcntl
--INI--
amm.shm_path={TMP}/monitor-signals.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$nodes = ['127.0.0.1:' . closedPorts(1)[0]];
$begun = 'main: this process probes';

$service = new Service($nodes, 'echo "after\n"; sleep(20)');
check('it runs', $service->says($begun), $service->log());
$service->signal(15);
check('the first signal ends the run', $service->says("after\n"), $service->log());
$service->signal(15);
check('the second one ends the process', $service->end() === -15, $service->ended);

$handler = 'pcntl_async_signals(true); pcntl_signal(15, function () { echo "handled\n"; exit(7); })';
$service = new Service($nodes, 'echo "after\n"; sleep(20)', before: $handler);
check('with a handler: it runs', $service->says($begun), $service->log());
$service->signal(15);
check('with a handler: the first signal ends the run', $service->says("after\n") && ! $service->says('handled', 0.2), $service->log());
$service->signal(15);
check('with a handler: the second one is handled', $service->end() === 7 && $service->says('handled', 0), $service->log());

$service = new Service($nodes, 'echo "after\n"', before: 'pcntl_signal(2, SIG_IGN)');
check('ignored: it runs', $service->says($begun), $service->log());
$service->signal(2);
check('ignored: it goes on', ! $service->says("after\n", 0.5));
$service->signal(9);
check('it can be killed', $service->end() === -9);
?>
--EXPECT--
ok: it runs
ok: the first signal ends the run
ok: the second one ends the process
ok: with a handler: it runs
ok: with a handler: the first signal ends the run
ok: with a handler: the second one is handled
ok: ignored: it runs
ok: ignored: it goes on
ok: it can be killed
