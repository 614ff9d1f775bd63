--TEST--
An object that took the id of a freed handle is not taken for it
--INI--
amm.shm_path={TMP}/sticky-recycled_ids_do_not_confuse.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$cluster = cluster();
$recycled = 0;
$mistaken = 0;

for ($i = 0; $i < 2000; $i++) {
    $handle = $cluster->connect(fn () => new ArrayObject());
    $id = spl_object_id($handle);
    unset($handle);

    if ($i % 10 === 0) {
        gc_collect_cycles();
    }

    $stranger = new ArrayObject();
    $recycled += spl_object_id($stranger) === $id ? 1 : 0;
    $mistaken += $cluster->nodeOf($stranger) !== null || $cluster->isCurrent($stranger) || $cluster->isAlive($stranger) ? 1 : 0;
}

check('ids were recycled', $recycled > 1000, $recycled);
check('none was mistaken', $mistaken === 0, $mistaken);

// In a cycle, so that only the collector frees it.
for ($i = 0; $i < 100; $i++) {
    $handle = $cluster->connect(fn () => new stdClass);
    $handle->self = $handle;
}
unset($handle);
check('cycles are collected', gc_collect_cycles() >= 99);

$before = memory_get_usage();
for ($i = 0; $i < 20_000; $i++) {
    $cluster->connect(fn () => new ArrayObject());
}
check('nothing piles up', memory_get_usage() - $before < 100_000, memory_get_usage() - $before);
?>
--EXPECT--
ok: ids were recycled
ok: none was mistaken
ok: cycles are collected
ok: nothing piles up
