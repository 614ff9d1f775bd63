--TEST--
An error of the caller's own ends connect() at once, as it is, and blames no node
--INI--
amm.shm_path={TMP}/select-connect_rethrows_the_callers_errors.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

foreach ([1044, 1045, 1049, 1251, 1698, 2054, 2026] as $errno) {
    $cluster = cluster();
    $error = pdoError($errno);
    $dials = 0;

    $e = thrown(function () use ($cluster, &$dials, $error) { $cluster->connect(function () use (&$dials, $error) {
        $dials++;
        throw $error;
    }); });

    $status = array_values($cluster->status()['nodes']);
    check("$errno", $e === $error && $dials === 1 && array_sum(array_column($status, 'failures')) === 0
        && array_unique(array_column($status, 'breaker')) === ['closed'], [$dials, $e, $status]);
}
?>
--EXPECT--
ok: 1044
ok: 1045
ok: 1049
ok: 1251
ok: 1698
ok: 2054
ok: 2026
