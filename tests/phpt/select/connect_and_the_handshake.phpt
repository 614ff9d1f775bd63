--TEST--
A node that hangs up during the handshake, or is full, or refuses to be written to, is passed over
--EXTENSIONS--
pdo_mysql
--INI--
amm.shm_path={TMP}/select-connect_and_the_handshake.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$failures = [
    'handshake lost' => ['do' => 'close'],
    'too many connections' => ['do' => 'error', 'errno' => 1040, 'message' => 'Too many connections'],
    'offline mode' => ['do' => 'error', 'errno' => 3032, 'message' => 'The server is currently in offline mode'],
];

foreach ($failures as $what => $failure) {
    $first = new FakeServer();
    $second = new FakeServer();
    $first->obey(['phase' => 'connect'] + $failure);
    $cluster = clusterOf([$first, $second]);

    $pdo = $cluster->connect(fn ($node) => $node->port === $first->port ? $first->pdo() : $second->pdo());

    check($what, $cluster->nodeOf($pdo)->id === $second->id() && count($first->log()) === 1);
    echo '    ', $cluster->status()['nodes'][$first->id()]['health'], "\n";
}
?>
--EXPECT--
ok: handshake lost
    suspect
ok: too many connections
    up
ok: offline mode
    up
