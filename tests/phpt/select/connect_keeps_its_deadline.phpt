--TEST--
A dial is told the seconds it has; when connect_deadline is over nothing more is dialled
--INI--
amm.shm_path={TMP}/select-connect_keeps_its_deadline.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$cluster = cluster(['connect_timeout' => '400ms', 'connect_deadline' => '600ms', 'nodes' => ['a', 'b', 'c', 'd', 'e']]);
$left = [];
$start = microtime(true);

$dial = function ($node, $secondsLeft) use (&$left) {
    $left[] = $secondsLeft;
    usleep(250_000);
    throw pdoError(2002, 'timed out');
};
$e = thrown(fn () => $cluster->connect($dial));

check('the first has a dial\'s time', $left[0] > 0.35 && $left[0] <= 0.4, $left);
check('later ones what is left', $left[2] > 0 && $left[2] < 0.15, $left);
check('three dials fit', count($left) === 3, $left);
check('DeadlineExceeded', get_class($e) === Amm\Exception\DeadlineExceeded::class, $e);
check('says after how long', preg_match('/600 ?ms/', $e->getMessage()) === 1, $e->getMessage());
check('the last error is the previous one', $e->getPrevious()?->errorInfo[1] === 2002);
check('in time', microtime(true) - $start < 1.0);
?>
--EXPECT--
ok: the first has a dial's time
ok: later ones what is left
ok: three dials fit
ok: DeadlineExceeded
ok: says after how long
ok: the last error is the previous one
ok: in time
