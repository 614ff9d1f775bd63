--TEST--
Without the extension the guard that connectors use says no, and the stubs are no replacement for it
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$code = <<<'PHP'
$guard = extension_loaded('amm') && filter_var(ini_get('amm.enabled'), FILTER_VALIDATE_BOOLEAN);
echo json_encode([$guard, class_exists('Amm\Cluster'), ini_get('amm.enabled')]);
PHP;

// Without the variable PHP reads the system's own folder: everything but this extension.
$process = proc_open([PHP_BINARY, '-r', $code], [1 => ['pipe', 'w'], 2 => ['redirect', 1]], $pipes, null, array_diff_key(getenv(), ['PHP_INI_SCAN_DIR' => 1]));
$output = stream_get_contents($pipes[1]);
proc_close($process);

check('not there', $output === '[false,false,false]', $output);
check('there', extension_loaded('amm') && class_exists('Amm\Cluster'));
?>
--EXPECT--
ok: not there
ok: there
