--TEST--
connectReader() dials readers first and falls back to a writer
--INI--
amm.shm_path={TMP}/select-connect_reader_falls_back.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$cluster = cluster(['nodes' => ['w', ['host' => 'r', 'role' => 'reader']]]);
$dialled = [];

$handle = $cluster->connectReader(function ($node, $left) use (&$dialled) {
    $dialled[] = $node->host;

    return $node->host === 'r' ? throw pdoError(2002) : new stdClass;
});

check('the reader first', $dialled === ['r', 'w'], $dialled);
check('nodeOf()', $cluster->nodeOf($handle)->host === 'w');
check('the next goes to the writer at once', $cluster->connectReader(fn ($node) => $node->host) === 'w');

$cluster->enable('r:3306');
$error = pdoError(1045);
check('the caller\'s error is thrown at once', thrown(fn () => $cluster->connectReader(fn () => throw $error)) === $error);

$e = thrown(fn () => cluster(['nodes' => ['x', 'y']], 'other')->connectReader(fn () => throw pdoError(2002)));
check('nobody left', $e instanceof Amm\Exception\NoWriterAvailable, $e);
?>
--EXPECT--
ok: the reader first
ok: nodeOf()
ok: the next goes to the writer at once
ok: the caller's error is thrown at once
ok: nobody left
