--TEST--
Whatever else a dial throws comes out of connect() untouched: the same object, no node blamed, nothing dialled after it
--INI--
amm.shm_path={TMP}/select-connect_rethrows_the_unexpected.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

final class Odd extends Exception
{
    public array $more = ['kept'];
}

$throwables = [
    'LogicException' => new LogicException('mine'),
    'TypeError' => new TypeError('mine'),
    'an own class' => new Odd('mine', 7, new RuntimeException('before')),
    'with a previous' => new RuntimeException('mine', 0, new LogicException('before')),
    'an amm exception' => new Amm\Exception\WriteInDoubt('mine'),
    'PDOException without errorInfo' => new PDOException('could not find driver'),
];

foreach ($throwables as $what => $throwable) {
    $cluster = cluster();
    $trace = $throwable->getTraceAsString();
    $dials = 0;
    $e = thrown(function () use ($cluster, &$dials, $throwable) { $cluster->connect(function () use (&$dials, $throwable) {
        $dials++;
        throw $throwable;
    }); });

    check($what, $e === $throwable && $e->getTraceAsString() === $trace && $dials === 1, [$dials, (string) $e]);
}

check('kept whole', $throwables['an own class']->more === ['kept'] && $throwables['an own class']->getPrevious()->getMessage() === 'before');
check('nothing recorded', array_sum(array_column($cluster->status()['nodes'], 'failures')) === 0);

$e = thrown(fn () => $cluster->connect(fn () => intdiv(1, 0)));
check('an error of the engine', $e instanceof DivisionByZeroError);

$e = thrown(fn () => $cluster->connect('no_such_function'));
check('what cannot be called', $e instanceof TypeError, $e);

check('works afterwards', $cluster->connect(fn () => new stdClass) instanceof stdClass);

register_shutdown_function(fn () => print("ok: exit() in a dial ends the script\n"));
$cluster->connect(fn () => exit);
?>
--EXPECT--
ok: LogicException
ok: TypeError
ok: an own class
ok: with a previous
ok: an amm exception
ok: PDOException without errorInfo
ok: kept whole
ok: nothing recorded
ok: an error of the engine
ok: what cannot be called
ok: works afterwards
ok: exit() in a dial ends the script
