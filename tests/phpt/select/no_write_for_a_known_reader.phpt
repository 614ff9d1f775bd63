--TEST--
A node known to be no writer gets no write, not even when no other is left
--INI--
amm.shm_path={TMP}/select-no_write_for_a_known_reader.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$cluster = cluster(['nodes' => ['10.0.0.1', '10.0.0.2']]);
$cluster->report($cluster->writer(), 1290);
$cluster->report($cluster->writer(), 1047);

throws('writer()', Amm\Exception\NoWriterAvailable::class, ['10.0.0.1:3306', 'reader', '10.0.0.2:3306', 'unready'], fn () => $cluster->writer());
check('candidates()', $cluster->candidates() === [], ids($cluster->candidates()));

$dials = 0;
$dial = function () use (&$dials) { $dials++; };
$e = thrown(fn () => $cluster->connect($dial));
check('connect()', $e instanceof Amm\Exception\NoWriterAvailable && $dials === 0, $e);

check('the reader may be read from', $cluster->reader()->id === '10.0.0.1:3306', $cluster->reader());
?>
--EXPECT--
ok: writer()
ok: candidates()
ok: connect()
ok: the reader may be read from
