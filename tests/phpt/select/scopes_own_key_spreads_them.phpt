--TEST--
Without a key the scope's own random key decides: scopes are spread, single keeps them together
--INI--
amm.shm_path={TMP}/select-scopes_own_key_spreads_them.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

foreach (['spread', 'single'] as $writers) {
    $cluster = cluster(['writers' => $writers], $writers);
    $seen = [];

    for ($i = 0; $i < 200; $i++) {
        Amm\Cluster::beginScope();
        $id = $cluster->writer()->id;
        $seen[$id] = ($seen[$id] ?? 0) + 1;
        Amm\Cluster::endScope();
    }

    ksort($seen);
    echo "$writers: ", implode(' ', array_map(fn ($id, $count) => $id . ($count > 30 ? ' often' : " $count times"), array_keys($seen), $seen)), "\n";
}
?>
--EXPECT--
spread: 10.0.0.1:3306 often 10.0.0.2:3306 often 10.0.0.3:3306 often
single: 10.0.0.1:3306 often
