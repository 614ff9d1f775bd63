--TEST--
A farewell that a server sent before hanging up does not look like life
--EXTENSIONS--
pdo_mysql
--INI--
amm.shm_path={TMP}/health-farewell_is_not_life.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$server = new FakeServer();
$cluster = clusterOf([$server]);
$pdo = $cluster->connect(fn () => $server->pdo());
check('open', $cluster->isAlive($pdo));
$server->farewell();
check('bytes and a hang-up', within(2, fn () => ! $cluster->isAlive($pdo)));
?>
--EXPECT--
ok: open
ok: bytes and a hang-up
