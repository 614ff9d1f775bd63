--TEST--
isAlive() notices that the peer has closed the connection, without asking it
--EXTENSIONS--
pdo_mysql
mysqli
--INI--
amm.shm_path={TMP}/health-is_alive.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$server = new FakeServer();
$cluster = clusterOf([$server]);
$dial = fn () => $server->pdo();

$pdo = $cluster->connect($dial);
check('open', $cluster->isAlive($pdo));
check('not used by asking', count($server->log()) === 1, $server->log());
check('again after a statement', $pdo->query('select 1')->fetchColumn() && $cluster->isAlive($pdo));

// The server hangs up after an answer that nobody reads: as when its timeout for idle connections is over.
$server->obey(['phase' => 'query', 'match' => '/doomed/', 'do' => 'goodbye', 'errno' => 1105]);
thrown(fn () => $pdo->exec('doomed'));
check('closed by the server', within(2, fn () => ! $cluster->isAlive($pdo)));
check('is current all the same', $cluster->isCurrent($pdo));

$other = $cluster->connect($dial);
check('another one is well', $cluster->isAlive($other));

$mysqli = $cluster->connect(fn () => new mysqli($server->host, 'u', 'p', '', $server->port));
check('mysqli', $cluster->isAlive($mysqli));

$cluster->disable($server->id());
check('not current, not alive', ! $cluster->isAlive($other) && ! $cluster->isAlive($mysqli));
$cluster->enable($server->id());

$pdo = $cluster->connect($dial);
$mysqli = $cluster->connect(fn () => new mysqli($server->host, 'u', 'p', '', $server->port));
$server->stop();
check('killed', within(2, fn () => ! $cluster->isAlive($pdo)));
check('killed, mysqli', within(2, fn () => ! $cluster->isAlive($mysqli)));

check('a stranger', ! $cluster->isAlive(new stdClass));

[$port] = closedPorts(1);
$cluster = cluster(['nodes' => ["127.0.0.1:$port"]], 'plain');
$plain = $cluster->connect(fn () => new stdClass);
check('a handle without a socket is judged by its node', $cluster->isAlive($plain) && $cluster->disable("127.0.0.1:$port") === null && ! $cluster->isAlive($plain));
?>
--EXPECT--
ok: open
ok: not used by asking
ok: again after a statement
ok: closed by the server
ok: is current all the same
ok: another one is well
ok: mysqli
ok: not current, not alive
ok: killed
ok: killed, mysqli
ok: a stranger
ok: a handle without a socket is judged by its node
