--TEST--
spread: a node that goes down gives its keys to all others, and no other key moves
--INI--
amm.shm_path={TMP}/select-losing_a_node_moves_only_its_keys.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$cluster = cluster(['writers' => 'spread', 'nodes' => ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4']]);
$keys = array_map(fn ($i) => "key:$i", range(1, 2000));

$before = [];
foreach ($keys as $key) {
    $before[$key] = $cluster->writer($key);
}

$lost = $before['key:1'];
check('is Down', $cluster->report($lost, 2002) === Amm\Verdict::Down);

$moved = $strayed = $heirs = [];
foreach ($keys as $key) {
    $now = $cluster->writer($key);

    if ($before[$key]->id === $lost->id) {
        $heirs[$now->id] = ($heirs[$now->id] ?? 0) + 1;
    } elseif ($now->id !== $before[$key]->id) {
        $strayed[] = $key;
    }
}

$orphans = array_sum($heirs);
check('a quarter had it', $orphans > 400 && $orphans < 600, $orphans);
check('nobody stays', ! isset($heirs[$lost->id]), $heirs);
check('all others inherit', count($heirs) === 3 && min($heirs) > $orphans / 6, $heirs);
check('no other key moves', $strayed === [], count($strayed));
?>
--EXPECT--
ok: is Down
ok: a quarter had it
ok: nobody stays
ok: all others inherit
ok: no other key moves
