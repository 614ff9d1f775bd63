--TEST--
connect() returns whatever the dial returned, objects or not
--INI--
amm.shm_path={TMP}/select-connect_returns_anything.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$cluster = cluster();

foreach ([null, false, 0, 'text', [1, 2], 1.5] as $value) {
    check(json_encode($value), $cluster->connect(fn () => $value) === $value);
}

$object = new ArrayObject();
check('an object', $cluster->connect(fn () => $object) === $object);
check('a method', $cluster->connect([new class { public function dial(Amm\Node $node, float $left) { return $node->id . ' ' . get_debug_type($left); } }, 'dial']) === $cluster->writer()->id . ' float');
check('takes two arguments', $cluster->connect(fn (...$arguments) => count($arguments)) === 2);
check('a key', $cluster->connect(fn ($node) => $node->id, 'k') === $cluster->writer('k')->id);
?>
--EXPECT--
ok: null
ok: false
ok: 0
ok: "text"
ok: [1,2]
ok: 1.5
ok: an object
ok: a method
ok: takes two arguments
ok: a key
