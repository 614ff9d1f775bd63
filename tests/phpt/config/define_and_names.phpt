--TEST--
Names are bound by define(), may be bound anew, and earlier objects stay what they were
--INI--
amm.shm_path={TMP}/config-define_and_names.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

check('no names at first', Amm\Cluster::names() === [], Amm\Cluster::names());
throws('an unknown name', Amm\Exception\UnknownCluster::class, ['"main"'], fn () => Amm\Cluster::get('main'));

$first = cluster();
check('get() finds it', Amm\Cluster::get('main')->status()['nodes'] == $first->status()['nodes']);

$node = $first->writer('k');
cluster();
check('the same again changes nothing', $first->isCurrent($node) && Amm\Cluster::get('main')->writer('k')->id === $node->id);

cluster(['hold_down' => '1s', 'probe_interval' => '2s']);
check('other settings change nothing known', $first->isCurrent($node));

$second = cluster(['nodes' => ['10.0.1.1']]);
check('the name is bound anew', array_keys(Amm\Cluster::get('main')->status()['nodes']) === ['10.0.1.1:3306']);
check('the earlier object stays', array_keys($first->status()['nodes']) === ['10.0.0.1:3306', '10.0.0.2:3306', '10.0.0.3:3306']);

cluster([], 'other');
check('names() lists them', Amm\Cluster::names() == ['main', 'other'], Amm\Cluster::names());
throws('an unknown name, the known ones named', Amm\Exception\UnknownCluster::class, ['"mian"', 'main', 'other'], fn () => Amm\Cluster::get('mian'));
?>
--EXPECT--
ok: no names at first
ok: an unknown name
ok: get() finds it
ok: the same again changes nothing
ok: other settings change nothing known
ok: the name is bound anew
ok: the earlier object stays
ok: names() lists them
ok: an unknown name, the known ones named
