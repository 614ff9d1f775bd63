--TEST--
A dial is told the seconds it has; when connect_deadline is over nothing more is dialled
--INI--
amm.shm_path={TMP}/select-connect_keeps_its_deadline.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$cluster = cluster(['connect_timeout' => '400ms', 'connect_deadline' => '900ms', 'nodes' => ['a', 'b', 'c', 'd', 'e']]);
$left = [];
$start = microtime(true);

$dial = function ($node, $secondsLeft) use (&$left) {
    $left[] = $secondsLeft;
    usleep(300_000);
    throw pdoError(2002, 'timed out');
};
$e = thrown(fn () => $cluster->connect($dial));

check('the first has a dial\'s time', $left[0] > 0.35 && $left[0] <= 0.4, $left);
check('the last one what is left', end($left) > 0 && end($left) < 0.32, $left);
check('no more than fit', in_array(count($left), [2, 3]), $left);
check('DeadlineExceeded', get_class($e) === Amm\Exception\DeadlineExceeded::class, $e);
check('says after how long', preg_match('/900 ?ms/', $e->getMessage()) === 1, $e->getMessage());
check('the last error is the previous one', $e->getPrevious()?->errorInfo[1] === 2002);
check('in time', microtime(true) - $start < 1.5);
?>
--EXPECT--
ok: the first has a dial's time
ok: the last one what is left
ok: no more than fit
ok: DeadlineExceeded
ok: says after how long
ok: the last error is the previous one
ok: in time
