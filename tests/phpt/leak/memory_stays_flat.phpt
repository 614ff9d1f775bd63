--TEST--
A worker's memory stays flat over picks, connects, failures and definitions (a million; ten with AMM_LONG)
--SKIPIF--
<?php
if (getenv('USE_ZEND_ALLOC') === '0') {
    exit('skip a checker of memory has its own');
}
?>
--INI--
amm.shm_path={TMP}/leak-memory_stays_flat.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

use Amm\Cluster;
use Amm\Node;

const ALLOWED_KIB = 256;
$times = getenv('AMM_LONG') ? 10 : 1;

function resident(): int
{
    preg_match('/VmRSS:\s+(\d+)/', file_get_contents('/proc/self/status'), $found);

    return (int) $found[1];
}

/** Does it a while, so that everything that is kept is there, then $turns times more: nothing may be added. */
function flat(string $what, int $turns, Closure $body): void
{
    $body(max(2_000, intdiv($turns, 10)));
    $before = [memory_get_usage(), resident()];
    $before = [memory_get_usage(), resident()];
    $body($turns);
    $bytes = memory_get_usage() - $before[0];
    $kib = resident() - $before[1];
    check("$what", $bytes <= 1_024 && $kib <= ALLOWED_KIB, [$turns, "$bytes bytes", "$kib KiB"]);
    getenv('AMM_FIGURES') && file_put_contents(getenv('AMM_FIGURES'), "$what: $turns times, $bytes bytes, $kib KiB\n", FILE_APPEND);
}

/** Each turn is a scope of its own, as a request is. */
function scopes(int $turns, Closure $body): void
{
    for ($i = 0; $i < $turns; $i++) {
        Cluster::beginScope();
        $body($i);
        Cluster::endScope();
    }
}

$spread = cluster(['writers' => 'spread', 'nodes' => array_map(fn ($i) => "10.0.0.$i", range(1, 5))], 'spread');
$single = cluster(['nodes' => ['10.1.0.1', '10.1.0.2', ['host' => '10.1.0.3', 'role' => 'reader']]], 'single');

flat('picks', 1_000_000 * $times, fn (int $turns) => scopes($turns, function (int $i) use ($spread, $single) {
    $node = $spread->writer();
    $spread->isCurrent($node);

    if ($i % 16 === 0) {
        $spread->writer("key $i");
        $single->reader("key $i");
        $spread->succeeded($node);
    }

    if ($i % 256 === 0) {
        $spread->candidates("key $i");
        $spread->status();
    }
}));

$dial = fn (Node $node, float $seconds) => new stdClass;
flat('connects', 10_000 * $times, fn (int $turns) => scopes($turns, function (int $i) use ($spread, $dial) {
    $handle = $spread->connect($dial, "key $i");
    $spread->isCurrent($handle) && $spread->nodeOf($handle);
    $spread->wasCut($handle);
    $spread->connectReader($dial);
}));

$refuse = fn (Node $node) => throw pdoError(2002, 'Connection refused');
flat('dials that fail', 10_000 * $times, fn (int $turns) => scopes($turns, function (int $i) use ($single, $refuse) {
    thrown(fn () => $single->connect($refuse));
}));

$wrong = fn (Node $node) => throw pdoError(1045, 'Access denied');
$odd = fn (Node $node) => throw new LogicException('a mistake of the application');
flat("errors of the caller's own", 10_000 * $times, fn (int $turns) => scopes($turns, function (int $i) use ($spread, $wrong, $odd) {
    thrown(fn () => $spread->connect($i % 2 ? $wrong : $odd));
    $spread->report($spread->writer(), 1213);
}));

flat('definitions', 5_000 * $times, function (int $turns) {
    for ($i = 0; $i < $turns; $i++) {
        $cluster = cluster(['nodes' => ['10.2.0.1', '10.2.0.2'], 'username' => 'u', 'password' => "p$i", 'probe_timeout' => ($i % 900 + 100) . 'ms'], 'changing');
        $cluster->writer();
        $i % 8 === 0 && thrown(fn () => cluster(['nodes' => ['10.2.0.1'], 'nods' => 1], 'mistaken'));
    }
});

$carried = cluster(['nodes' => ['10.3.0.1', '10.3.0.2'], 'secret' => str_repeat('s', 32), 'writers' => 'spread'], 'carried');
flat('tokens', 20_000 * $times, fn (int $turns) => scopes($turns, function (int $i) use ($carried) {
    $carried->writer();
    $token = $carried->token();
    $carried->resume($i % 2 ? $token : strrev($token));
}));
?>
--EXPECT--
ok: picks
ok: connects
ok: dials that fail
ok: errors of the caller's own
ok: definitions
ok: tokens
