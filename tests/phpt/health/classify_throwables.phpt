--TEST--
Throwables are classified by the errno they carry, wherever in the chain it is, and never by text beside it
--EXTENSIONS--
pdo_mysql
mysqli
--FILE--
<?php
require __DIR__ . '/../support/helpers.inc';

use Amm\Errors;

/** What frameworks wrap around a PDOException. */
final class QueryException extends PDOException
{
    public function __construct(Throwable $previous)
    {
        parent::__construct($previous->getMessage() . ' (SQL: select "--read-only")', 0, $previous);
        $this->code = $previous->getCode();
        $this->errorInfo = $previous->errorInfo ?? null;
    }
}

$connect = new PDOException('SQLSTATE[HY000] [2002] Connection refused', 2002);
$connect->errorInfo = ['HY000', 2002, 'Connection refused'];

$cases = [
    'PDOException in use' => pdoError(1290, 'running with the --super-read-only option so it cannot execute this statement'),
    'PDOException of a connect' => $connect,
    'deadlock' => pdoError(1213, 'Deadlock found', '40001'),
    'lost' => pdoError(2006, 'MySQL server has gone away'),
    'mysqli' => new mysqli_sql_exception('Access denied', 1045),
    'mysqli lost' => new mysqli_sql_exception('gone away', 2006),
    'wrapped once' => new RuntimeException('outer', 0, pdoError(1836)),
    'wrapped twice' => new LogicException('outer', 99, new Exception('middle', 42, new mysqli_sql_exception('Too many connections', 1040))),
    'wrapped by a framework' => new QueryException(pdoError(2013, 'Lost connection to MySQL server during query')),
    'the text of another error' => pdoError(1062, "Duplicate entry 'MySQL server has gone away' for key 'a'"),
    'an ordinary exception' => new RuntimeException('something else', 2002),
    'an Error' => new TypeError('no'),
];

foreach ($cases as $what => $throwable) {
    echo "$what: ", Errors::classify($throwable)->name, "\n";
}

$deep = new RuntimeException('bottom');
for ($i = 0; $i < 10_000; $i++) {
    $deep = new RuntimeException("level $i", 0, $deep);
}
check('a very long chain', Errors::classify($deep) instanceof Amm\Verdict);
?>
--EXPECT--
PDOException in use: NotWritable
PDOException of a connect: Down
deadlock: Conflict
lost: Lost
mysqli: Client
mysqli lost: Lost
wrapped once: NotWritable
wrapped twice: Overloaded
wrapped by a framework: Lost
the text of another error: Client
an ordinary exception: Unknown
an Error: Unknown
ok: a very long chain
