--TEST--
When all nodes are down, automatic bans are ignored, so that the first request after the outage succeeds
--EXTENSIONS--
pdo_mysql
--INI--
amm.shm_path={TMP}/select-a_ban_never_outlives_an_outage.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$servers = [new FakeServer(), new FakeServer()];
$cluster = clusterOf($servers);
$dial = fn ($node) => $servers[0]->port === $node->port ? $servers[0]->pdo() : $servers[1]->pdo();

foreach ($servers as $server) {
    $server->obey(['phase' => 'connect', 'do' => 'close']);
}

$e = thrown(fn () => $cluster->connect($dial));
check('no writer during the outage', $e instanceof Amm\Exception\NoWriterAvailable, $e);
check('panic', $cluster->status()['panic'] === true);
check('all are open', array_unique(array_column($cluster->status()['nodes'], 'breaker')) === ['open'], $cluster->status()['nodes']);
check('writer() still offers one', $cluster->writer() instanceof Amm\Node);

$e = thrown(fn () => $cluster->connect($dial));
check('again', $e instanceof Amm\Exception\NoWriterAvailable, $e);

$servers[1]->obey();
check('the first connect() after it succeeds', $cluster->nodeOf($cluster->connect($dial))?->id === $servers[1]->id());
check('no panic', $cluster->status()['panic'] === false);
?>
--EXPECT--
ok: no writer during the outage
ok: panic
ok: all are open
ok: writer() still offers one
ok: again
ok: the first connect() after it succeeds
ok: no panic
