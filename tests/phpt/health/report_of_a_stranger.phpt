--TEST--
A node of another cluster given to report() or succeeded() is a clear error
--INI--
amm.shm_path={TMP}/health-report_of_a_stranger.shm
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

$main = cluster();
$other = cluster(['nodes' => ['10.0.7.1']], 'other');

throws('report()', Amm\Exception\AmmException::class, ['10.0.7.1:3306', 'main', '10.0.0.1:3306'], fn () => $main->report($other->writer(), 2002));
throws('succeeded()', Amm\Exception\AmmException::class, ['10.0.7.1:3306', 'main', '10.0.0.1:3306'], fn () => $main->succeeded($other->writer()));
check('isCurrent() is just no', $main->isCurrent($other->writer()) === false);
check('nothing is recorded', array_sum(array_column($main->status()['nodes'] + $other->status()['nodes'], 'failures')) === 0);

$again = cluster();
check('the same definition is the same cluster', $again->report($main->writer(), 1064) === Amm\Verdict::Client);

check('a wrong type', thrown(fn () => $main->report($main->writer(), 'x')) instanceof TypeError);
?>
--EXPECT--
ok: report()
ok: succeeded()
ok: isCurrent() is just no
ok: nothing is recorded
ok: the same definition is the same cluster
ok: a wrong type
