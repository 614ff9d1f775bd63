--TEST--
nodeOf() knows what connect() returned, of any class, and nothing else
--EXTENSIONS--
pdo_mysql
--INI--
amm.shm_path={TMP}/sticky-handles_know_their_node.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$server = new FakeServer();
$cluster = clusterOf([$server]);
$other = cluster(['nodes' => ['10.0.8.1']], 'other');

$pdo = $cluster->connect(fn () => $server->pdo());
check('PDO', $cluster->nodeOf($pdo) instanceof Amm\Node && $cluster->nodeOf($pdo)->id === $server->id());
check('another cluster does not', $other->nodeOf($pdo) === null && ! $other->isCurrent($pdo));
check('another PDO is not', $cluster->nodeOf($server->pdo()) === null);
check('the same definition does', clusterOf([$server])->nodeOf($pdo)?->id === $server->id());

foreach ([new stdClass, new ArrayObject, fn () => 1, new class { public $x; }] as $object) {
    $handle = $cluster->connect(fn () => $object);
    check(get_debug_type($object), $handle === $object && $cluster->nodeOf($handle) !== null && $cluster->isCurrent($handle));
}

$twice = new stdClass;
$other->connect(fn () => $twice);
$cluster->connect(fn () => $twice);
check('the last connect() counts', $cluster->nodeOf($twice)?->id === $server->id());

$clone = clone $twice;
check('a clone is another object', $cluster->nodeOf($clone) === null);

$node = $cluster->writer();
check('a node is no handle', $cluster->nodeOf($node) === null && $cluster->isCurrent($node));

$weak = WeakReference::create($pdo);
unset($pdo);
check('knowing it does not keep it', $weak->get() === null);
?>
--EXPECT--
ok: PDO
ok: another cluster does not
ok: another PDO is not
ok: the same definition does
ok: stdClass
ok: ArrayObject
ok: Closure
ok: class@anonymous
ok: the last connect() counts
ok: a clone is another object
ok: a node is no handle
ok: knowing it does not keep it
