--TEST--
What one process reports, every process of the host sees at once; another configuration of the same nodes too
--INI--
amm.shm_path={TMP}/status-processes_see_each_other.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$cluster = cluster();
$node = $cluster->writer();

inAnotherProcess('$c = cluster(["probe_interval" => "5s", "username" => "other"], "another_name"); $c->report($c->writer(), 2002);');

check('its node is taken out here', $cluster->status()['nodes'][$node->id]['breaker'] === 'open', $cluster->status()['nodes']);
check('what was chosen here is no longer current', ! $cluster->isCurrent($node));

inAnotherProcess('cluster()->disable("10.0.0.2:3306");');
check('disabled by another', $cluster->status()['nodes']['10.0.0.2:3306']['admin'] === 'disabled');

$other = cluster(['nodes' => ['10.0.0.1', '10.0.0.2']], 'subset');
check('other nodes, another cluster', array_unique(array_column($other->status()['nodes'], 'health')) === ['up']);

$other = cluster(['flavour' => 'read_only'], 'flavour');
check('another flavour, another cluster', array_unique(array_column($other->status()['nodes'], 'health')) === ['up']);

check('order and spelling do not matter', cluster(['nodes' => ['10.0.0.3:3306', '10.0.0.2', '10.0.0.1']], 'order')->status()['nodes'][$node->id]['breaker'] === 'open');
?>
--EXPECT--
ok: its node is taken out here
ok: what was chosen here is no longer current
ok: disabled by another
ok: other nodes, another cluster
ok: another flavour, another cluster
ok: order and spelling do not matter
