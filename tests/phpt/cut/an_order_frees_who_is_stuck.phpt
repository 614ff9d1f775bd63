--TEST--
Who is stuck in a query on a server that hangs is freed, with amm.monitor=off too, and wasCut() tells; with cut = never he stays
--EXTENSIONS--
pdo_mysql
mysqli
pcntl
--SKIPIF--
<?php if (! getenv('AMM_LONG')) die('skip it needs a second try now and then, for a reason not yet known; the same is asked of real servers by cut.rs and cut_transports.rs'); ?>
--INI--
amm.shm_path={TMP}/cut-an_order.shm
amm.monitor=off
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
$dials = [
    'PDO' => fn (Amm\Node $node) => new PDO("mysql:host=$node->host;port=$node->port", 'user', 'password'),
    'mysqli' => fn (Amm\Node $node) => new mysqli($node->host, 'user', 'password', null, $node->port),
];

foreach (['always', 'never'] as $mode) {
    foreach ($dials as $driver => $dial) {
        [$victim, $other] = [new FakeServer(), new FakeServer()];
        $config = [
            'flavour' => 'galera', 'writers' => 'single', 'nodes' => [$victim->id(), $other->id()], 'username' => 'user', 'password' => 'password',
            'probe_interval' => '100ms', 'probe_timeout' => '100ms', 'cut' => $mode, 'cut_after' => '200ms',
        ];
        $cluster = cluster($config);
        $handle = $cluster->connect($dial);
        $spared = $cluster->connect(fn () => $dial($cluster->candidates()[1]));
        check("$mode, $driver: connected", $cluster->nodeOf($handle)->id === $victim->id() && ! $cluster->wasCut($handle));
        // From now on it answers nothing, not even to who logs in.
        $victim->obey(['phase' => 'connect', 'do' => 'hang'], ['phase' => 'query', 'do' => 'hang']);
        $leader = leaderOf($config);
        if ($mode === 'never') {
            // Somebody has to free the test.
            $killer = pcntl_fork();
            if ($killer === 0) {
                usleep(2_000_000);
                $victim->obey();
                $victim->farewell();
                posix_kill(getmypid(), SIGKILL);
            }
        }
        $began = hrtime(true);
        $e = thrown(fn () => @$handle->query('update t set a = 1'));
        $took = (hrtime(true) - $began) / 1e6;
        $seen = $cluster->status()['nodes'];

        if ($mode === 'never') {
            check("$mode, $driver: stuck until the server spoke", $took > 1_500, $took);
            check("$mode, $driver: no order, no cut", $seen[$victim->id()]['cuts'] === 0 && ! $cluster->wasCut($handle), $seen);
        } else {
            check("$mode, $driver: freed", $took < 2_500, $took);
            check("$mode, $driver: lost", $cluster->report($cluster->nodeOf($handle), $e) === Amm\Verdict::Lost, $e);
            check("$mode, $driver: it was cut", $cluster->wasCut($handle) && ! $cluster->isAlive($handle));
            check("$mode, $driver: by an order", $seen[$victim->id()]['cuts'] > 0 && $seen[$other->id()]['cuts'] === 0, $seen);
            check("$mode, $driver: which stands", str_contains(implode($cluster->status()['warnings']), "{$victim->id()}: sockets to it are being shut"));
        }
        check("$mode, $driver: the other is spared", ! $cluster->wasCut($spared) && $spared->query('select port') !== false);
        check("$mode, $driver: what is no handle was not cut", ! $cluster->wasCut(new stdClass()));
        fclose($leader[1][0]);
        proc_close($leader[0]);
    }
}
?>
--EXPECT--
ok: always, PDO: connected
ok: always, PDO: freed
ok: always, PDO: lost
ok: always, PDO: it was cut
ok: always, PDO: by an order
ok: always, PDO: which stands
ok: always, PDO: the other is spared
ok: always, PDO: what is no handle was not cut
ok: always, mysqli: connected
ok: always, mysqli: freed
ok: always, mysqli: lost
ok: always, mysqli: it was cut
ok: always, mysqli: by an order
ok: always, mysqli: which stands
ok: always, mysqli: the other is spared
ok: always, mysqli: what is no handle was not cut
ok: never, PDO: connected
ok: never, PDO: stuck until the server spoke
ok: never, PDO: no order, no cut
ok: never, PDO: the other is spared
ok: never, PDO: what is no handle was not cut
ok: never, mysqli: connected
ok: never, mysqli: stuck until the server spoke
ok: never, mysqli: no order, no cut
ok: never, mysqli: the other is spared
ok: never, mysqli: what is no handle was not cut
