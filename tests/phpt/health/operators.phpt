--TEST--
drain() keeps those stuck to a node and takes no new ones, disable() moves them, enable() undoes both
--INI--
amm.shm_path={TMP}/health-operators.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$cluster = cluster(['writers' => 'single']);
$stuck = $cluster->writer();
$handle = $cluster->connect(fn ($node) => new ArrayObject([$node->id]));
$admin = fn () => $cluster->status()['nodes'][$stuck->id]['admin'];

$cluster->drain($stuck->id);
check('drain: status', $admin() === 'draining', $admin());
check('drain: the node is kept', $cluster->writer() === $stuck && $cluster->isCurrent($stuck));
check('drain: the handle too', $cluster->isCurrent($handle));
Amm\Cluster::beginScope();
check('drain: a new scope goes elsewhere', $cluster->writer()->id !== $stuck->id, $cluster->writer()->id);
Amm\Cluster::endScope();
check('drain: back in the old one', $cluster->writer() === $stuck);
check('drain: another process goes elsewhere', inAnotherProcess('echo cluster(["writers" => "single"])->writer()->id;') === '10.0.0.2:3306');

$cluster->disable($stuck->id);
check('disable: status', $admin() === 'disabled', $admin());
check('disable: moves everyone', ! $cluster->isCurrent($stuck) && ! $cluster->isCurrent($handle) && $cluster->writer()->id !== $stuck->id);

$cluster->enable($stuck->id);
check('enable: status', $admin() === 'enabled', $admin());
Amm\Cluster::beginScope();
check('enable: takes new ones again', $cluster->writer()->id === $stuck->id);
Amm\Cluster::endScope();
check('enable: old handles stay what they are', ! $cluster->isCurrent($handle));

foreach (['drain', 'enable', 'disable'] as $method) {
    throws("$method: an unknown node", Amm\Exception\AmmException::class, ['10.0.0.9', '10.0.0.1:3306', '10.0.0.2:3306', '10.0.0.3:3306'], fn () => $cluster->$method('10.0.0.9'));
}

$cluster = cluster(['nodes' => [['host' => '10.0.1.1', 'admin' => 'disabled'], ['host' => '10.0.1.2', 'admin' => 'draining'], '10.0.1.3']], 'configured');
check('as configured', $cluster->writer()->id === '10.0.1.3:3306');
$cluster->enable('10.0.1.1:3306');
check('an operator goes before the configuration', ids($cluster->candidates()) === ['10.0.1.1:3306', '10.0.1.3:3306'], ids($cluster->candidates()));
?>
--EXPECT--
ok: drain: status
ok: drain: the node is kept
ok: drain: the handle too
ok: drain: a new scope goes elsewhere
ok: drain: back in the old one
ok: drain: another process goes elsewhere
ok: disable: status
ok: disable: moves everyone
ok: enable: status
ok: enable: takes new ones again
ok: enable: old handles stay what they are
ok: drain: an unknown node
ok: enable: an unknown node
ok: disable: an unknown node
ok: as configured
ok: an operator goes before the configuration
