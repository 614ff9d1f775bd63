--TEST--
amm.enabled=0: the classes are there, clusters are not to be had, and nothing else happens
--INI--
amm.shm_path={TMP}/disabled-switched_off.shm
amm.enabled=0
amm.config={PWD}/no_such_file.toml
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

check('loaded', extension_loaded('amm'));
check('connectors can tell', ! filter_var(ini_get('amm.enabled'), FILTER_VALIDATE_BOOLEAN));
check('the classes are there', class_exists(Amm\Cluster::class) && enum_exists(Amm\Verdict::class));

throws('define()', Amm\Exception\AmmException::class, ['amm is disabled by amm.enabled'], fn () => cluster());
throws('define() with a mistake', Amm\Exception\AmmException::class, ['amm is disabled by amm.enabled'], fn () => cluster(['nodes' => []]));
throws('get()', Amm\Exception\AmmException::class, ['amm is disabled by amm.enabled'], fn () => Amm\Cluster::get('main'));

check('scopes cost nothing', thrown(function () { Amm\Cluster::beginScope(); Amm\Cluster::endScope(); }) === null);
check('errors can be classified', Amm\Errors::classify(2002) === Amm\Verdict::Down);
check('no file was made', ! file_exists(ini_get('amm.shm_path')));
check('no thread', count(glob('/proc/self/task/*') ?: [1]) === 1);

ob_start();
(new ReflectionExtension('amm'))->info();
$table = ob_get_clean();
check('the table says so', stripos($table, 'disabled') !== false, $table);
?>
--EXPECT--
ok: loaded
ok: connectors can tell
ok: the classes are there
ok: define()
ok: define() with a mistake
ok: get()
ok: scopes cost nothing
ok: errors can be classified
ok: no file was made
ok: no thread
ok: the table says so
