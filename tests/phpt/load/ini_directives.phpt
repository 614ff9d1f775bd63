--TEST--
All directives are there and cannot be changed by scripts
--INI--
amm.shm_path={TMP}/load-ini_directives.shm
amm.zone=eu-1a
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

foreach (ini_get_all('amm') as $name => $directive) {
    echo $name, $directive['access'] === INI_SYSTEM ? '' : ' is not INI_SYSTEM', "\n";
    $before = ini_get($name);
    check('ini_set() fails', @ini_set($name, '0') === false && ini_get($name) === $before, ini_get($name));
}

check('a value given is read', ini_get('amm.zone') === 'eu-1a', ini_get('amm.zone'));

$defaults = json_decode(inAnotherProcess(
    'echo json_encode(["enabled" => ini_get("amm.enabled"), "config" => ini_get("amm.config"), "zone" => ini_get("amm.zone"), "secret" => ini_get("amm.secret")]);'
), true);

check('enabled by default', filter_var($defaults['enabled'], FILTER_VALIDATE_BOOLEAN), $defaults);
check('no file, zone or secret by default', ! $defaults['config'] && ! $defaults['zone'] && ! $defaults['secret'], $defaults);
?>
--EXPECT--
amm.config
ok: ini_set() fails
amm.enabled
ok: ini_set() fails
amm.log_level
ok: ini_set() fails
amm.monitor
ok: ini_set() fails
amm.secret
ok: ini_set() fails
amm.shm_mode
ok: ini_set() fails
amm.shm_path
ok: ini_set() fails
amm.zone
ok: ini_set() fails
ok: a value given is read
ok: enabled by default
ok: no file, zone or secret by default
