--TEST--
connect() goes on to the next node while dials fail, never dials one twice, and takes the dead one out for everyone
--EXTENSIONS--
pdo_mysql
--INI--
amm.shm_path={TMP}/select-connect_fails_over.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$server = new FakeServer();
[$a, $b] = closedPorts(2);
$cluster = cluster(['writers' => 'single', 'nodes' => ["127.0.0.1:$a", "127.0.0.1:$b", $server->id()]]);

$dialled = [];
$dial = function (Amm\Node $node, float $secondsLeft) use (&$dialled) {
    $dialled[] = $node->id;

    return new PDO("mysql:host=$node->host;port=$node->port", 'u', 'p', [PDO::ATTR_TIMEOUT => max(1, (int) ceil($secondsLeft))]);
};

$pdo = $cluster->connect($dial);
check('returns what the dial returned', $pdo instanceof PDO && (int) $pdo->query('select 1')->fetchColumn() === $server->port);
check('each once, in order', $dialled === ["127.0.0.1:$a", "127.0.0.1:$b", $server->id()], $dialled);
check('nodeOf()', $cluster->nodeOf($pdo)?->id === $server->id());
check('writer() follows', $cluster->writer()->id === $server->id());
check('is current and alive', $cluster->isCurrent($pdo) && $cluster->isAlive($pdo));

$dialled = [];
$cluster->connect($dial);
check('the dead are not dialled again', $dialled === [$server->id()], $dialled);

$output = inAnotherProcess("\$c = cluster(['writers' => 'single', 'nodes' => ['127.0.0.1:$a', '127.0.0.1:$b', '{$server->id()}']]); \$c->connect(function (\$node) { echo \$node->id; return new stdClass; });");
check('nor by another process', $output === $server->id(), $output);

$status = $cluster->status()['nodes']["127.0.0.1:$a"];
check('status', $status['health'] !== 'up' && $status['breaker'] === 'open' && ! $status['writable'] && $status['failures'] === 1, $status);
?>
--EXPECT--
ok: returns what the dial returned
ok: each once, in order
ok: nodeOf()
ok: writer() follows
ok: is current and alive
ok: the dead are not dialled again
ok: nor by another process
ok: status
