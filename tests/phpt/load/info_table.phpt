--TEST--
php --ri and phpinfo() show the version and the settings, and no credentials
--INI--
amm.shm_path={TMP}/load-info_table.shm
amm.secret=0123456789-the-secret-of-this-host
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

cluster(['username' => 'the-user-name', 'password' => 'the-password', 'secret' => 'another-secret-of-32-characters!']);

ob_start();
phpinfo(INFO_ALL & ~INFO_VARIABLES & ~INFO_ENVIRONMENT);
$all = ob_get_clean();

ob_start();
(new ReflectionExtension('amm'))->info();
$table = ob_get_clean();

check('is a table of its own', str_contains($table, "\namm\n"), $table);
check('shows the version', str_contains($table, (new ReflectionExtension('amm'))->getVersion()), $table);

check('enabled', preg_match('/^amm => enabled$/m', $table) === 1, $table);

foreach (['amm.config', 'amm.log_level', 'amm.monitor', 'amm.shm_mode', 'amm.shm_path', 'amm.zone'] as $directive) {
    check("shows $directive", str_contains($table, "\n$directive => "), $table);
}

foreach (['the-secret-of-this-host', 'the-user-name', 'the-password', 'another-secret'] as $secret) {
    check("hides $secret", ! str_contains($all, $secret) && ! str_contains($table, $secret));
}
?>
--EXPECT--
ok: is a table of its own
ok: shows the version
ok: enabled
ok: shows amm.config
ok: shows amm.log_level
ok: shows amm.monitor
ok: shows amm.shm_mode
ok: shows amm.shm_path
ok: shows amm.zone
ok: hides the-secret-of-this-host
ok: hides the-user-name
ok: hides the-password
ok: hides another-secret
