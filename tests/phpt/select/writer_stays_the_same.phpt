--TEST--
writer() returns the same Node object for as long as it is current
--INI--
amm.shm_path={TMP}/select-writer_stays_the_same.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

foreach (['spread', 'single'] as $writers) {
    $cluster = cluster(['writers' => $writers], $writers);
    $node = $cluster->writer();
    $keyed = $cluster->writer('k');

    check("$writers: the same object", $node === $cluster->writer() && $keyed === $cluster->writer('k'));
    check("$writers: by name too", $node === Amm\Cluster::get($writers)->writer());
    check("$writers: is current", $cluster->isCurrent($node));

    $cluster->report($node, 2002);

    check("$writers: no longer current", ! $cluster->isCurrent($node));
    check("$writers: picked anew", ! in_array($node->id, [$cluster->writer()->id, $cluster->writer($keyed->id === $node->id ? 'k' : null)->id]));
    check("$writers: and stays there", $cluster->writer() === $cluster->writer());
    $cluster->enable($node->id);
}
?>
--EXPECT--
ok: spread: the same object
ok: spread: by name too
ok: spread: is current
ok: spread: no longer current
ok: spread: picked anew
ok: spread: and stays there
ok: single: the same object
ok: single: by name too
ok: single: is current
ok: single: no longer current
ok: single: picked anew
ok: single: and stays there
