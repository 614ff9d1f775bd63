--TEST--
NoWriterAvailable says why, node by node, and carries the last error
--INI--
amm.shm_path={TMP}/select-no_writer_says_why.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$cluster = cluster(['nodes' => ['10.0.0.1', '10.0.0.2', ['host' => '10.0.0.3', 'role' => 'reader'], ['host' => '10.0.0.4', 'admin' => 'disabled']]]);
$dials = [];

$dial = function ($node) use (&$dials) {
    $dials[] = $node->id;
    throw pdoError(2002, 'Connection refused');
};
$e = thrown(fn () => $cluster->connect($dial));

sort($dials);
check('all that may be written to were dialled, once', $dials === ['10.0.0.1:3306', '10.0.0.2:3306'], $dials);
check('NoWriterAvailable', get_class($e) === Amm\Exception\NoWriterAvailable::class, $e);
check('carries the last error', $e->getPrevious()?->errorInfo[1] === 2002, $e->getPrevious());

foreach (['main', '10.0.0.1:3306', '10.0.0.2:3306', '10.0.0.3:3306', '10.0.0.4:3306', '2002', 'reader', 'disabled'] as $part) {
    check("names $part", str_contains($e->getMessage(), $part), $e->getMessage());
}

foreach (['10.0.0.1:3306', '10.0.0.2:3306'] as $id) {
    $cluster->disable($id);
}
throws('writer() says it too', Amm\Exception\NoWriterAvailable::class, ['10.0.0.1:3306', 'disabled', '10.0.0.3:3306', 'reader'], fn () => $cluster->writer());
check('candidates() is empty', $cluster->candidates() === []);
?>
--EXPECT--
ok: all that may be written to were dialled, once
ok: NoWriterAvailable
ok: carries the last error
ok: names main
ok: names 10.0.0.1:3306
ok: names 10.0.0.2:3306
ok: names 10.0.0.3:3306
ok: names 10.0.0.4:3306
ok: names 2002
ok: names reader
ok: names disabled
ok: writer() says it too
ok: candidates() is empty
