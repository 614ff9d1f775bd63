--TEST--
More clusters than the shared table holds are a clear error, and those that are there work on
--INI--
amm.shm_path={TMP}/status-full_table.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$first = cluster(['nodes' => ['10.1.0.1']], 'c1');
$first->writer();

for ($i = 2; $i <= 64; $i++) {
    cluster(['nodes' => ["10.1.0.$i"]], "c$i")->writer();
}

throws('the 65th', Amm\Exception\AmmException::class, ['64'], fn () => cluster(['nodes' => ['10.1.0.65']], 'c65')->writer());
check('the others work on', $first->writer()->host === '10.1.0.1' && Amm\Cluster::get('c64')->writer()->host === '10.1.0.64');
?>
--EXPECT--
ok: the 65th
ok: the others work on
