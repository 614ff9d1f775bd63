--TEST--
Stack traces do not show the configuration given to define()
--SKIPIF--
<?php if (PHP_VERSION_ID < 80200) die('skip PHP hides no arguments before 8.2'); ?>
--INI--
zend.exception_ignore_args=0
amm.shm_path={TMP}/config-passwords_are_not_in_traces.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

function boot(#[SensitiveParameter] array $config): void
{
    Amm\Cluster::define('main', $config);
}

try {
    boot(['nodes' => [], 'username' => 'amm', 'password' => 'hunter2']);
} catch (Amm\Exception\ConfigError $e) {
    $frame = $e->getTrace()[0];
    check('the frame is define()', $frame['function'] === 'define', $frame);
    check('the name is shown', $frame['args'][0] === 'main');
    check('the configuration is not', $frame['args'][1] instanceof SensitiveParameterValue, $frame['args'][1]);
    check('nor in the text', ! str_contains(print_r($e->getTrace(), true) . $e, 'hunter2'));
}
?>
--EXPECT--
ok: the frame is define()
ok: the name is shown
ok: the configuration is not
ok: nor in the text
