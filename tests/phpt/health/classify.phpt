--TEST--
Errors::classify() goes by errno; what follows from a verdict
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

use Amm\Errors;
use Amm\Verdict;

$table = [
    'Down' => [2002, 2003, 2005],
    'Lost' => [2006, 2013, 1053, 1927, 4031],
    'NotWritable' => [1290, 1836, 1792, 3100, 1047, 6400, 3032, 3092],
    'Overloaded' => [1040, 1203, 1226],
    'Conflict' => [1205, 1213, 3101, 1180],
    'Client' => [1044, 1045, 1049, 1064, 1062, 1146, 1251, 1698],
    'Unknown' => [0],
];

foreach ($table as $verdict => $errnos) {
    $wrong = array_filter($errnos, fn ($errno) => Errors::classify($errno) !== constant(Verdict::class . "::$verdict"));
    check($verdict, $wrong === [], $wrong);
}

foreach (Verdict::cases() as $verdict) {
    printf("%s (%s): %s, %s\n", $verdict->name, $verdict->value,
        Errors::retryElsewhere($verdict) ? 'elsewhere' : 'not elsewhere', Errors::excludesNode($verdict) ? 'excludes' : 'does not exclude');
}

check('a wrong type is a TypeError', thrown(fn () => Errors::classify('2002x')) instanceof TypeError);
check('an object that is no throwable', thrown(fn () => Errors::classify(new stdClass)) instanceof TypeError);
foreach ([-1, PHP_INT_MIN, PHP_INT_MAX] as $number) {
    // No errno at all: refused, or not understood; never taken for another one.
    $e = thrown(function () use ($number, &$verdict) { $verdict = Errors::classify($number); });
    check("$number", $e instanceof Error || $e === null && in_array($verdict, [Verdict::Unknown, Verdict::Client]), [$e, $verdict]);
}
?>
--EXPECT--
ok: Down
ok: Lost
ok: NotWritable
ok: Overloaded
ok: Conflict
ok: Client
ok: Unknown
Down (down): elsewhere, excludes
NotWritable (not_writable): elsewhere, excludes
Lost (lost): not elsewhere, does not exclude
Conflict (conflict): not elsewhere, does not exclude
Overloaded (overloaded): elsewhere, does not exclude
Client (client): not elsewhere, does not exclude
Unknown (unknown): not elsewhere, does not exclude
ok: a wrong type is a TypeError
ok: an object that is no throwable
ok: -1
ok: -9223372036854775808
ok: 9223372036854775807
