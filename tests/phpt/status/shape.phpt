--TEST--
status() has its documented shape
--INI--
amm.shm_path={TMP}/status-shape.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$cluster = cluster(['writers' => 'spread']);
$cluster->report($cluster->writer(), 2002);
$status = $cluster->status();

$shape = [
    'cluster' => 'string', 'scope' => 'string|null', 'flavour' => 'string', 'writers' => 'string', 'shared' => 'bool', 'shared_reason' => 'string|null',
    'panic' => 'bool', 'leader' => 'array|null', 'deputy' => 'bool', 'incumbent' => 'string|null', 'nodes' => 'array', 'tokens' => 'array|null', 'warnings' => 'array',
];
$node = [
    'host' => 'string', 'port' => 'int', 'zone' => 'string|null', 'discovered' => 'bool', 'role' => 'string', 'role_reason' => 'string|null', 'health' => 'string', 'breaker' => 'string', 'admin' => 'string',
    'writable' => 'bool', 'epoch' => 'int', 'since_ms' => 'int|null', 'probe' => 'string', 'probe_age_ms' => 'int|null', 'rtt_us' => 'int|null', 'lag_ms' => 'int|null',
    'picks' => 'int', 'dials' => 'int', 'failures' => 'int', 'conflicts' => 'int', 'cuts' => 'int', 'last_error' => 'array|null',
];

$misfits = function (array $shape, array $value): array {
    $misfits = array_merge(array_diff(array_keys($shape), array_keys($value)), array_diff(array_keys($value), array_keys($shape)));

    foreach ($shape as $key => $types) {
        if (array_key_exists($key, $value) && ! in_array(get_debug_type($value[$key]), explode('|', $types))) {
            $misfits[] = "$key is " . get_debug_type($value[$key]);
        }
    }

    return $misfits;
};

check('the cluster', $misfits($shape, $status) === [], $misfits($shape, $status));
foreach ($status['nodes'] as $id => $seen) {
    check("node $id", $misfits($node, $seen) === [], $misfits($node, $seen));
    check('its id is its key', $id === "$seen[host]:$seen[port]");
}

check('words', in_array($status['flavour'], ['galera', 'read_only', 'group_replication', 'aurora', 'auto']) && in_array($status['writers'], ['single', 'spread']));
check('shared', $status['shared'] === true && $status['shared_reason'] === null, $status);
check('no leader where nobody probes', $status['leader'] === null, $status['leader']);
check('warnings are sentences', array_is_list($status['warnings']) && array_filter($status['warnings'], 'is_string') === $status['warnings'], $status['warnings']);
check('plain data', json_decode(json_encode($status), true) == $status);

$down = array_values(array_filter($status['nodes'], fn ($node) => $node['breaker'] === 'open'));
check('the failure is there', count($down) === 1 && [$down[0]['last_error']['verdict'], $down[0]['last_error']['errno']] === ['down', 2002] && abs(time() - $down[0]['last_error']['at']) < 60 && $down[0]['since_ms'] >= 0 && $down[0]['since_ms'] < 5000, $down);
?>
--EXPECT--
ok: the cluster
ok: node 10.0.0.1:3306
ok: its id is its key
ok: node 10.0.0.2:3306
ok: its id is its key
ok: node 10.0.0.3:3306
ok: its id is its key
ok: words
ok: shared
ok: no leader where nobody probes
ok: warnings are sentences
ok: plain data
ok: the failure is there
