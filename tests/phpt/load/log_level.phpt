--TEST--
amm.log_level decides what goes to PHP's log
--INI--
amm.shm_path={TMP}/load-log_level.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$log = sys_get_temp_dir() . '/log_level.log';

foreach (['off' => false, 'error' => false, 'warn' => true, 'info' => true] as $level => $logged) {
    @unlink($log);
    inAnotherProcess('cluster(["username" => "user-hunter1", "password" => "pass-hunter2"])->writer();', ['amm.log_level' => $level, 'error_log' => $log, 'amm.shm_path' => '/no/such/folder/file']);
    $lines = (string) @file_get_contents($log);
    check("$level: " . ($logged ? 'a warning is logged' : 'nothing is logged'), str_contains($lines, '/no/such/folder/file') === $logged && ! str_contains($lines, 'hunter'), $lines);
}

@unlink($log);
?>
--EXPECT--
ok: off: nothing is logged
ok: error: nothing is logged
ok: warn: a warning is logged
ok: info: a warning is logged
