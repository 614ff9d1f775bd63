--TEST--
Scopes nest: each has choices of its own, and gets them back when the one within ends
--INI--
amm.shm_path={TMP}/sticky-scopes_nest.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$cluster = cluster(['writers' => 'spread', 'nodes' => array_map(fn ($i) => "10.0.0.$i", range(1, 64))]);

$outer = $cluster->writer();
Amm\Cluster::beginScope('job');
$middle = $cluster->writer();
Amm\Cluster::beginScope();
$inner = $cluster->writer();
check('three scopes, three choices', count(array_unique([$outer->id, $middle->id, $inner->id])) > 1, [$outer->id, $middle->id, $inner->id]);
check('the innermost is stuck', $cluster->writer() === $inner);
Amm\Cluster::endScope();
check('the middle one is back', $cluster->writer() === $middle);
Amm\Cluster::endScope();
check('the outer one is back', $cluster->writer() === $outer);

check('ends without beginnings are ignored', thrown(function () { Amm\Cluster::endScope(); Amm\Cluster::endScope(); }) === null && $cluster->writer() instanceof Amm\Node);

Amm\Cluster::beginScope();
check('a key is above scopes', $cluster->writer('k')->id === (function () use ($cluster) { Amm\Cluster::beginScope(); $id = $cluster->writer('k')->id; Amm\Cluster::endScope(); return $id; })());

for ($i = 0; $i < 10_000; $i++) {
    Amm\Cluster::beginScope("deep $i");
}
check('deep nesting', $cluster->writer() instanceof Amm\Node);
for ($i = 0; $i < 10_000; $i++) {
    Amm\Cluster::endScope();
}
check('and back', $cluster->writer() instanceof Amm\Node);
?>
--EXPECT--
ok: three scopes, three choices
ok: the innermost is stuck
ok: the middle one is back
ok: the outer one is back
ok: ends without beginnings are ignored
ok: a key is above scopes
ok: deep nesting
ok: and back
