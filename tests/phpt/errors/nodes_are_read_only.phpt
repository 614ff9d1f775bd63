--TEST--
A Node's properties can be changed in no way
--INI--
amm.shm_path={TMP}/errors-nodes_are_read_only.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$node = cluster(['nodes' => [['host' => '10.0.0.1', 'zone' => 'eu-1a']]])->writer();
$properties = ['id' => '10.0.0.1:3306', 'host' => '10.0.0.1', 'address' => $node->address, 'port' => 3306, 'epoch' => $node->epoch, 'zone' => 'eu-1a', 'role' => Amm\Role::Unknown];

foreach ($properties as $name => $value) {
    $before = $node->$name;
    $attempts = [
        'assignment' => fn () => $node->$name = $before,
        'another value' => fn () => $node->$name = 'x',
        'unset' => function () use ($node, $name) { unset($node->$name); },
        'reference' => function () use ($node, $name) { $reference = &$node->$name; $reference = 'x'; },
        'through reflection' => fn () => (new ReflectionProperty($node, $name))->setValue($node, $before),
        'by iteration' => function () use ($node, $name) { foreach ($node as $key => &$entry) { if ($key === $name) { $entry = 'x'; } } },
        'again through the constructor' => fn () => $node->__construct(),
    ];

    $survived = [];
    foreach ($attempts as $how => $attempt) {
        // A reference to an object in a readonly property is one to a copy of its handle, and so no error.
        $silent = $how === 'reference' && is_object($before);

        if (thrown($attempt) === null && ! $silent || $node->$name !== $before) {
            $survived[] = $how;
        }
    }

    check("$name: is " . json_encode($value), $before === $value, $before);
    check("$name: cannot be changed", $survived === [], $survived);
}

check('no other property', thrown(fn () => $node->more = 1) instanceof Error && thrown(fn () => $node->{'0'} = 1) instanceof Error);
check('an array operation', thrown(fn () => $node->id[] = 'x') instanceof Error && thrown(fn () => $node->port++) instanceof Error);
check('isset', isset($node->id) && ! isset($node->more));
check('a copy of the array is a copy', (function () use ($node) { $copy = get_object_vars($node); $copy['id'] = 'x'; return $node->id !== 'x'; })());
check('a clone with other values', thrown(fn () => (function () { $copy = clone $this; $copy->id = 'x'; })->bindTo($node)()) instanceof Error && $node->id === '10.0.0.1:3306');
?>
--EXPECT--
ok: id: is "10.0.0.1:3306"
ok: id: cannot be changed
ok: host: is "10.0.0.1"
ok: host: cannot be changed
ok: address: is "10.0.0.1"
ok: address: cannot be changed
ok: port: is 3306
ok: port: cannot be changed
ok: epoch: is 0
ok: epoch: cannot be changed
ok: zone: is "eu-1a"
ok: zone: cannot be changed
ok: role: is "unknown"
ok: role: cannot be changed
ok: no other property
ok: an array operation
ok: isset
ok: a copy of the array is a copy
ok: a clone with other values
