--TEST--
a token carries a choice to the next scope, and nothing that was not signed here
--INI--
amm.shm_path={TMP}/tokens.shm
amm.secret=0123456789abcdef-new 0123456789abcdef-old
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';
use Amm\Cluster;

$spread = cluster(['writers' => 'spread']);
$scoped = function (callable $do): mixed {
    Cluster::beginScope();
    try {
        return $do();
    } finally {
        Cluster::endScope();
    }
};

[$token, $id] = $scoped(fn () => [$spread->token(), $spread->writer()->id]);
check('short, and fit for a cookie', preg_match('/^[A-Za-z0-9_-]{1,119}$/D', $token) === 1, $token);
$again = [];
for ($i = 0; $i < 50; $i++) {
    $again[] = $scoped(fn () => $spread->resume($token) ? $spread->writer()->id : 'refused');
}
check('the same writer in fifty scopes', array_unique($again) === [$id], array_unique($again));
check('the key of its own is left alone', $scoped(fn () => $spread->resume($token) && $spread->writer('k') !== null));

check('reads stay where they were', $scoped(fn () => $spread->resume($token) && $spread->reader() !== null));
$wrote = $scoped(function () use ($spread) {
    $spread->wrote();
    return [$spread->token(), $spread->reader()->id, $spread->writer()->id];
});
check('who wrote reads from the writer', $wrote[1] === $wrote[2]);
check('and in the next scope too', $scoped(fn () => $spread->resume($wrote[0]) && $spread->reader()->id === $wrote[2]));
check('but not in others', $scoped(fn () => $spread->status()['scope']) === null);

foreach (['', 'x', "\0\xff", str_repeat('A', 10_000), $token . 'A', substr($token, 1), strrev($token), 7] as $other) {
    check('refused: ' . var_export(substr((string) $other, 0, 8) === substr($token, 0, 8) ? 'a longer one' : strlen((string) $other) . ' bytes', true),
        $scoped(fn () => $spread->resume((string) $other)) === false);
}
$elsewhere = cluster(['nodes' => ['10.0.0.7', '10.0.0.8']], 'other');
$before = $elsewhere->status()['tokens'];
check('of another cluster', $elsewhere->resume($token) === false);
$before['refused']['foreign']++;
check('and counted', $elsewhere->status()['tokens'] === $before, $elsewhere->status()['tokens']);
check('by reason', array_keys($before['refused']) === ['malformed', 'forged', 'expired', 'foreign', 'stale']);

$old = cluster(['writers' => 'spread', 'secret' => '0123456789abcdef-old'], 'main');
$before = $scoped(fn () => $old->token());
check('made before the secret was changed', $scoped(fn () => $spread->resume($before)));
check('the old secret does not accept the new one', $scoped(fn () => $old->resume($token)) === false);
$brief = cluster(['writers' => 'spread', 'sticky' => ['ttl' => '10ms']], 'main');
$expiring = $scoped(fn () => $brief->token());
usleep(20_000);
check('expired', $scoped(fn () => $spread->resume($expiring)) === false);

$spread->report($scoped(fn () => $spread->resume($token) ? $spread->writer() : null), 1290);
check('its writer was demoted', $scoped(fn () => $spread->resume($token)) === false);
check('the choice starts anew', $scoped(fn () => $spread->writer()->id) !== $id);
$single = cluster(['writers' => 'single'], 'main');
check('no credential is shown', ! str_contains(print_r($single, true) . json_encode($single->status()), '0123456789abcdef'));
?>
--EXPECT--
ok: short, and fit for a cookie
ok: the same writer in fifty scopes
ok: the key of its own is left alone
ok: reads stay where they were
ok: who wrote reads from the writer
ok: and in the next scope too
ok: but not in others
ok: refused: '0 bytes'
ok: refused: '1 bytes'
ok: refused: '2 bytes'
ok: refused: '10000 bytes'
ok: refused: 'a longer one'
ok: refused: '69 bytes'
ok: refused: '70 bytes'
ok: refused: '1 bytes'
ok: of another cluster
ok: and counted
ok: by reason
ok: made before the secret was changed
ok: the old secret does not accept the new one
ok: expired
ok: its writer was demoted
ok: the choice starts anew
ok: no credential is shown
