--TEST--
isAlive() on a connection that a real server closed
--EXTENSIONS--
pdo_mysql
--SKIPIF--
<?php if (! getenv('AMM_TEST_NODES')) die('skip AMM_TEST_NODES names no servers'); ?>
--INI--
amm.shm_path={TMP}/health-real_server_closed.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$cluster = cluster(['nodes' => explode(',', getenv('AMM_TEST_NODES'))]);
$dial = fn ($node) => new PDO("mysql:host=$node->host;port=$node->port", getenv('AMM_TEST_USER') ?: 'root', getenv('AMM_TEST_PASSWORD') ?: '', [PDO::ATTR_TIMEOUT => 2]);

$pdo = $cluster->connect($dial);
check('open', $cluster->isAlive($pdo));
$pdo->exec('set session wait_timeout = 1');
check('closed for being idle', within(4, fn () => ! $cluster->isAlive($pdo)));

$pdo = $cluster->connect($dial);
$id = $pdo->query('select connection_id()')->fetchColumn();
$dial($cluster->nodeOf($pdo))->exec("kill $id");
check('killed', within(2, fn () => ! $cluster->isAlive($pdo)));
?>
--EXPECT--
ok: open
ok: closed for being idle
ok: killed
