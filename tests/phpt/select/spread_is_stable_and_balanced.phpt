--TEST--
spread: the same key has the same writer in every process, and keys are shared out by weight
--INI--
amm.shm_path={TMP}/select-spread_is_stable_and_balanced.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$pick = 'foreach (["alpha", "beta", "gamma", "delta", "customer:42", "größe", ""] as $key) echo cluster(["writers" => "spread"])->writer($key)->id, " ";';

ob_start();
eval($pick);
$here = ob_get_clean();
$there = inAnotherProcess($pick, ['amm.shm_path' => ini_get('amm.shm_path') . '.other']);
check('the same here and there', $here === $there, [$here, $there]);
check('and not all the same', count(array_unique(explode(' ', trim($here)))) > 1, $here);

$cluster = cluster(['writers' => 'spread', 'nodes' => ['10.0.0.3', '10.0.0.1', '10.0.0.2']], 'reordered');
ob_start();
foreach (['alpha', 'beta', 'gamma', 'delta', 'customer:42', 'größe', ''] as $key) {
    echo $cluster->writer($key)->id, ' ';
}
check('whatever the order of the configuration', ob_get_clean() === $here);

$share = function (array $nodes, int $keys = 6000): array {
    $cluster = cluster(['writers' => 'spread', 'nodes' => $nodes], 'shares');
    $count = [];

    for ($i = 0; $i < $keys; $i++) {
        $id = $cluster->candidates("key:$i")[0]->id;
        $count[$id] = ($count[$id] ?? 0) + 1;
    }

    ksort($count);

    return $count;
};

$count = $share(['10.1.0.1', '10.1.0.2', '10.1.0.3']);
check('a third each', count($count) === 3 && min($count) > 1800 && max($count) < 2200, $count);

$count = $share(['10.1.0.1', ['host' => '10.1.0.2', 'weight' => 2], '10.1.0.3']);
check('twice the weight, twice the keys', $count['10.1.0.2:3306'] > 2800 && $count['10.1.0.2:3306'] < 3200, $count);
?>
--EXPECT--
ok: the same here and there
ok: and not all the same
ok: whatever the order of the configuration
ok: a third each
ok: twice the weight, twice the keys
