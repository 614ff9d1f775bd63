--TEST--
report() says the verdict and records it for all processes
--INI--
amm.shm_path={TMP}/health-report.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$i = 0;
$cases = ['Down' => 2002, 'NotWritable' => 1290, 'unready' => 1047, 'Lost' => 2006, 'Conflict' => 1213, 'Client' => 1064, 'Unknown' => new RuntimeException('x')];

foreach ($cases as $what => $error) {
    // A cluster of its own for each, so that none sees what another left.
    $nodes = ['10.' . ++$i . '.0.1'];
    $cluster = cluster(['nodes' => $nodes], "c$i");
    $node = $cluster->candidates()[0];
    $verdict = $cluster->report($node, $error);
    $mine = $cluster->status()['nodes'][$node->id];
    printf("%s: %s, role %s, health %s, breaker %s, %s, failures %d, conflicts %d, %s\n", $what, $verdict->name, $mine['role'], $mine['health'],
        $mine['breaker'], $mine['writable'] ? 'writable' : 'not writable', $mine['failures'], $mine['conflicts'], $cluster->isCurrent($node) ? 'current' : 'not current');

    $theirs = json_decode(inAnotherProcess("echo json_encode(cluster(['nodes' => ['$nodes[0]']], 'theirs')->status()['nodes']['$node->id']);"), true);
    $same = ['role', 'health', 'breaker', 'admin', 'writable', 'epoch', 'failures', 'conflicts', 'last_error'];
    check('    another process sees the same', array_map(fn ($key) => $theirs[$key], $same) === array_map(fn ($key) => $mine[$key], $same), [$mine, $theirs]);
}
?>
--EXPECT--
Down: Down, role unknown, health suspect, breaker open, not writable, failures 1, conflicts 0, not current
ok:     another process sees the same
NotWritable: NotWritable, role reader, health up, breaker closed, not writable, failures 1, conflicts 0, not current
ok:     another process sees the same
unready: NotWritable, role unready, health up, breaker closed, not writable, failures 1, conflicts 0, not current
ok:     another process sees the same
Lost: Lost, role unknown, health suspect, breaker closed, writable, failures 1, conflicts 0, current
ok:     another process sees the same
Conflict: Conflict, role unknown, health up, breaker closed, writable, failures 0, conflicts 1, current
ok:     another process sees the same
Client: Client, role unknown, health up, breaker closed, writable, failures 0, conflicts 0, current
ok:     another process sees the same
Unknown: Unknown, role unknown, health up, breaker closed, writable, failures 0, conflicts 0, current
ok:     another process sees the same
