--TEST--
Clusters come from the file that amm.config names
--INI--
amm.shm_path={TMP}/config-file.shm
amm.config={PWD}/two_clusters.toml
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

check('names()', Amm\Cluster::names() == ['main', 'reports'], Amm\Cluster::names());

$status = Amm\Cluster::get('main')->status();
check('settings', [$status['cluster'], $status['flavour'], $status['writers']] === ['main', 'galera', 'spread'], $status);
check('nodes', array_keys($status['nodes']) === ['10.0.0.1:3306', '10.0.0.2:3307', '10.0.0.3:3306'], array_keys($status['nodes']));
check('another one', Amm\Cluster::get('reports')->status()['flavour'] === 'read_only');

cluster(['nodes' => ['10.9.9.9']]);
check('define() goes before the file', array_keys(Amm\Cluster::get('main')->status()['nodes']) === ['10.9.9.9:3306']);
check('each name once', Amm\Cluster::names() == ['main', 'reports'], Amm\Cluster::names());
throws('unknown', Amm\Exception\UnknownCluster::class, ['"nope"', 'main', 'reports'], fn () => Amm\Cluster::get('nope'));
?>
--EXPECT--
ok: names()
ok: settings
ok: nodes
ok: another one
ok: define() goes before the file
ok: each name once
ok: unknown
