--TEST--
Monitor::run() probes for processes that have no monitor, until a signal ends it; its lease is given back
--INI--
amm.shm_path={TMP}/monitor-probes_until_it_is_ended.shm
amm.monitor=off
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

[$a, $b] = array_map(fn ($port) => "127.0.0.1:$port", closedPorts(2));
$cluster = cluster(['writers' => 'single', 'username' => 'amm', 'nodes' => [$a, $b]]);
$leader = fn () => $cluster->status()['leader']['pid'] ?? null;
$down = fn () => array_column($cluster->status()['nodes'], 'health') === ['down', 'down'];

foreach ([2 => 'SIGINT', 15 => 'SIGTERM'] as $signal => $name) {
    $service = new Service([$a, $b], 'echo "after\n"');
    check("$name: it leads", within(5, fn () => $leader() === $service->pid), $service->log());
    check("$name: what it finds is seen here", within(5, $down), $cluster->status());
    check("$name: it tells", $service->says("main: $a is down, role unknown, breaker open") && $service->says('main: this process probes'), $service->log());
    $began = microtime(true);
    $service->signal($signal);
    $code = $service->end();
    $took = microtime(true) - $began;
    check("$name: it ends at once, and in order", $code === 0 && $took < 1 && $service->says("after\n", 0), [$code, $took, $service->log()]);
    check("$name: nobody leads", $leader() === null);
    check("$name: what it found is still known", $down());
}

$began = hrtime(true);
Amm\Monitor::run(0.4);
$took = (hrtime(true) - $began) / 1e9;
check('for a time', $took >= 0.4 && $took < 1.4, $took);
check('the lease was given back', $leader() === null);
check('and the thread is gone', count(glob('/proc/self/task/*/comm')) === count(array_filter(glob('/proc/self/task/*/comm'), fn ($comm) => ! preg_match('/^amm$/m', @file_get_contents($comm) ?: ''))));
?>
--EXPECT--
ok: SIGINT: it leads
ok: SIGINT: what it finds is seen here
ok: SIGINT: it tells
ok: SIGINT: it ends at once, and in order
ok: SIGINT: nobody leads
ok: SIGINT: what it found is still known
ok: SIGTERM: it leads
ok: SIGTERM: what it finds is seen here
ok: SIGTERM: it tells
ok: SIGTERM: it ends at once, and in order
ok: SIGTERM: nobody leads
ok: SIGTERM: what it found is still known
ok: for a time
ok: the lease was given back
ok: and the thread is gone
