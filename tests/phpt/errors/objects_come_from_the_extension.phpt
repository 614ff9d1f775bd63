--TEST--
Clusters, nodes and the error table cannot be made, copied, serialised, extended or given back
--INI--
amm.shm_path={TMP}/errors-objects_come_from_the_extension.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$cluster = cluster();
$objects = [Amm\Cluster::class => $cluster, Amm\Node::class => $cluster->writer()];

foreach ([Amm\Cluster::class, Amm\Node::class, Amm\Errors::class] as $class) {
    check("$class: new", thrown(fn () => new $class) instanceof Throwable);
    check("$class: nor is it offered", ! (new ReflectionClass($class))->isInstantiable());
    check("$class: without a constructor", thrown(fn () => (new ReflectionClass($class))->newInstanceWithoutConstructor()->id ?? null) instanceof Throwable);
    check("$class: is final", (new ReflectionClass($class))->isFinal());
    check("$class: unserialize", @thrown(fn () => unserialize(sprintf('O:%d:"%s":0:{}', strlen($class), $class))) instanceof Throwable);
    check("$class: unserialize of the other kind", @thrown(fn () => unserialize(sprintf('C:%d:"%s":0:{}', strlen($class), $class))) instanceof Throwable || @unserialize(sprintf('C:%d:"%s":0:{}', strlen($class), $class)) === false);
}

foreach ($objects as $class => $object) {
    check("$class: clone", thrown(fn () => clone $object) instanceof Error);
    check("$class: serialize", thrown(fn () => serialize($object)) instanceof Exception);
    check("$class: session", thrown(fn () => serialize([$object])) instanceof Exception);
    check("$class: var_export comes back as an error", thrown(fn () => eval('return ' . var_export($object, true) . ';')) instanceof Throwable);
    check("$class: no dynamic properties", thrown(fn () => $object->more = 1) instanceof Error);
    check("$class: compares", $object == $object && $object != new stdClass);
}
?>
--EXPECT--
ok: Amm\Cluster: new
ok: Amm\Cluster: nor is it offered
ok: Amm\Cluster: without a constructor
ok: Amm\Cluster: is final
ok: Amm\Cluster: unserialize
ok: Amm\Cluster: unserialize of the other kind
ok: Amm\Node: new
ok: Amm\Node: nor is it offered
ok: Amm\Node: without a constructor
ok: Amm\Node: is final
ok: Amm\Node: unserialize
ok: Amm\Node: unserialize of the other kind
ok: Amm\Errors: new
ok: Amm\Errors: nor is it offered
ok: Amm\Errors: without a constructor
ok: Amm\Errors: is final
ok: Amm\Errors: unserialize
ok: Amm\Errors: unserialize of the other kind
ok: Amm\Cluster: clone
ok: Amm\Cluster: serialize
ok: Amm\Cluster: session
ok: Amm\Cluster: var_export comes back as an error
ok: Amm\Cluster: no dynamic properties
ok: Amm\Cluster: compares
ok: Amm\Node: clone
ok: Amm\Node: serialize
ok: Amm\Node: session
ok: Amm\Node: var_export comes back as an error
ok: Amm\Node: no dynamic properties
ok: Amm\Node: compares
