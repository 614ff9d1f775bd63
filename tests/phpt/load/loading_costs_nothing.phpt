--TEST--
Loading the module, and defining a cluster, starts no thread; loading alone makes no file
--SKIPIF--
<?php if (! is_dir('/proc/self/task')) die('skip needs /proc'); ?>
--INI--
amm.shm_path={TMP}/load-loading_costs_nothing.shm
amm.monitor=auto
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$threads = fn () => count(glob('/proc/self/task/*'));

check('one thread', $threads() === 1, $threads());
check('no file', ! file_exists(ini_get('amm.shm_path')));

cluster();

check('one thread after define()', $threads() === 1, $threads());
?>
--EXPECT--
ok: one thread
ok: no file
ok: one thread after define()
