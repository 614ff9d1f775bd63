<?php

namespace Amm\Laravel\Connections;

use Amm\Laravel\Route;
use Closure;
use Illuminate\Database\Connection;
use Illuminate\Database\MariaDbConnection as StockMariaDbConnection;
use Illuminate\Database\MySqlConnection as StockMySqlConnection;
use ReflectionFunction;

/**
 * Makes the connections to clusters, and leaves all others to whoever made them before.
 */
final class ConnectionResolver
{
    /**
     * Create a new connection resolver instance.
     */
    private function __construct(private string $driver, private ?Closure $previous)
    {
    }

    /**
     * Install the resolver for a driver, once.
     *
     * Laravel keeps resolvers for as long as the process lives, over many applications.
     */
    public static function install(string $driver): void
    {
        $previous = Connection::getResolver($driver);

        if ($previous && (new ReflectionFunction($previous))->getClosureThis() instanceof self) {
            return;
        }

        Connection::resolverFor($driver, Closure::fromCallable(new self($driver, $previous)));
    }

    /**
     * Create a connection.
     *
     * @param  \PDO|Closure  $pdo
     * @param  string|null  $database
     * @param  string  $prefix
     */
    public function __invoke($pdo, $database, $prefix, array $config): Connection
    {
        if (! Route::of($config) && $this->previous) {
            return ($this->previous)($pdo, $database, $prefix, $config);
        }

        $class = $this->classFor(Route::of($config) !== null);

        return new $class($pdo, $database, $prefix, $config);
    }

    /**
     * Get the class of a connection.
     *
     * @return class-string<Connection>
     */
    private function classFor(bool $cluster): string
    {
        if ($this->driver === 'mariadb') {
            return $cluster ? MariaDbConnection::class : StockMariaDbConnection::class;
        }

        return $cluster ? MySqlConnection::class : StockMySqlConnection::class;
    }
}
