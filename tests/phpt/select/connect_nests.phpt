--TEST--
A dial may itself use the extension
--INI--
amm.shm_path={TMP}/select-connect_nests.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$cluster = cluster();
$other = cluster(['nodes' => ['10.0.5.1']], 'other');

$handle = $cluster->connect(function ($node) use ($cluster, $other) {
    check('connect() in a dial', $other->connect(fn ($inner) => $inner->host) === '10.0.5.1');
    check('the same cluster', $cluster->connect(fn ($inner) => new ArrayObject([$inner->id]))[0] === $node->id);
    check('status()', count($cluster->status()['nodes']) === 3);
    Amm\Cluster::beginScope('inner');
    $cluster->writer();
    Amm\Cluster::endScope();
    cluster(['nodes' => ['10.0.6.1']]);

    return new stdClass;
});

check('the outer is unharmed', $cluster->nodeOf($handle) instanceof Amm\Node && $other->nodeOf($handle) === null);
?>
--EXPECT--
ok: connect() in a dial
ok: the same cluster
ok: status()
ok: the outer is unharmed
