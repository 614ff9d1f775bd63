--TEST--
"off" means off, although PHP's ini files turn the bare word into an empty string
--SKIPIF--
<?php if (! is_dir('/proc/self/task')) die('skip needs /proc'); ?>
--INI--
amm.shm_path={TMP}/load-words_for_off.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$folder = sys_get_temp_dir() . '/words_for_off';
mkdir($folder);
[$port] = closedPorts(1);

// In a file, as users write it; the command line's -d is read by the same rules.
foreach (['off', '"off"', 'Off', 'no', 'false', '0', 'auto', '"auto"', 'on'] as $word) {
    file_put_contents("$folder/zz.ini", "amm.monitor = $word\n");
    $process = proc_open(
        [PHP_BINARY, '-r', "require '" . __DIR__ . "/../support/helpers.inc';"
            . "cluster(['username' => 'amm', 'nodes' => ['127.0.0.1:$port']])->connect(fn () => new stdClass); usleep(50000); echo in_array(\"amm-probe\\n\", array_map('file_get_contents', glob('/proc/self/task/*/comm'))) ? 'probes' : 'does not probe';"],
        [1 => ['pipe', 'w'], 2 => ['file', '/dev/null', 'w']], $pipes, null, ['PHP_INI_SCAN_DIR' => getenv('PHP_INI_SCAN_DIR') . ":$folder"] + getenv(),
    );
    echo "$word: ", stream_get_contents($pipes[1]), "\n";
    proc_close($process);
}

array_map('unlink', glob("$folder/*"));
rmdir($folder);
?>
--EXPECT--
off: does not probe
"off": does not probe
Off: does not probe
no: does not probe
false: does not probe
0: does not probe
auto: probes
"auto": probes
on: probes
