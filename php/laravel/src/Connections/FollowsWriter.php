<?php

namespace Amm\Laravel\Connections;

use Amm\Cluster;
use Amm\Errors;
use Amm\Exception\WriteInDoubt;
use Amm\Laravel\Route;
use Amm\Verdict;
use Closure;
use Illuminate\Database\QueryException;
use PDO;
use PDOException;
use Throwable;

/**
 * Keeps a connection on a live node, and repeats only what cannot happen twice.
 *
 * Between transactions a handle whose node is no longer the one to write to, or whose peer has
 * hung up, is replaced before the next statement. A statement is repeated, once and elsewhere,
 * if the server refused it, if it was never sent, or if it only reads. A write whose connection
 * was lost after it was sent is in doubt and never repeated; nor is anything in a transaction.
 */
trait FollowsWriter
{
    /**
     * The resolvers that dial anew.
     */
    private ?Closure $dialWriter = null;

    private ?Closure $dialReader = null;

    /**
     * The attempt under way.
     */
    private ?Attempt $attempt = null;

    /**
     * The handle whose connection was seen to be lost, kept until it can be replaced.
     */
    private ?PDO $lost = null;

    /**
     * Create a new database connection instance.
     *
     * @param  \PDO|\Closure  $pdo
     * @param  string  $database
     * @param  string  $tablePrefix
     * @return void
     */
    public function __construct($pdo, $database = '', $tablePrefix = '', array $config = [])
    {
        parent::__construct($pdo, $database, $tablePrefix, $config);

        $this->dialWriter = $pdo instanceof Closure ? $pdo : null;
    }

    /**
     * Set the PDO connection.
     *
     * @param  \PDO|\Closure|null  $pdo
     * @return $this
     */
    public function setPdo($pdo)
    {
        $this->dialWriter = $pdo instanceof Closure ? $pdo : $this->dialWriter;

        return parent::setPdo($pdo);
    }

    /**
     * Set the PDO connection used for reading.
     *
     * @param  \PDO|\Closure|null  $pdo
     * @return $this
     */
    public function setReadPdo($pdo)
    {
        $this->dialReader = $pdo instanceof Closure ? $pdo : $this->dialReader;

        return parent::setReadPdo($pdo);
    }

    /**
     * Get the current PDO connection.
     *
     * @return \PDO
     */
    public function getPdo()
    {
        return $this->used(parent::getPdo());
    }

    /**
     * Get the current PDO connection used for reading.
     *
     * @return \PDO
     */
    public function getReadPdo()
    {
        return $this->used(parent::getReadPdo());
    }

    /**
     * Bind values to their parameters in the given statement.
     *
     * @param  \PDOStatement  $statement
     * @param  array  $bindings
     * @return void
     */
    public function bindValues($statement, $bindings)
    {
        parent::bindValues($statement, $bindings);

        // Every prepared statement passes here between being prepared and being executed.
        if ($this->attempt) {
            $this->attempt->sent = true;
        }
    }

    /**
     * Run a raw, unprepared query against the PDO connection.
     *
     * @param  string  $query
     * @return bool
     */
    public function unprepared($query)
    {
        return $this->run($query, [], function ($query) {
            if ($this->pretending()) {
                return true;
            }

            $pdo = $this->getPdo();

            if ($this->attempt) {
                $this->attempt->sent = true;
            }

            $this->recordsHaveBeenModified($change = $pdo->exec($query) !== false);

            return $change;
        });
    }

    /**
     * Run a SQL statement and log its execution context.
     *
     * @param  string  $query
     * @param  array  $bindings
     * @return mixed
     *
     * @throws \Illuminate\Database\QueryException
     * @throws \Amm\Exception\WriteInDoubt
     */
    protected function run($query, $bindings, Closure $callback)
    {
        // Listeners to what happens on the way may run statements of their own.
        $outer = $this->attempt;

        $this->attempt = new Attempt;

        try {
            $this->replaceStaleHandles($query);

            return parent::run($query, $bindings, $callback);
        } finally {
            $this->attempt = $outer;
        }
    }

    /**
     * Handle a query exception.
     *
     * @param  string  $query
     * @param  array  $bindings
     * @return mixed
     *
     * @throws \Illuminate\Database\QueryException
     * @throws \Amm\Exception\WriteInDoubt
     */
    protected function handleQueryException(QueryException $e, $query, $bindings, Closure $callback)
    {
        $verdict = $this->judge($e, $query);

        if (! $this->mayRepeat($verdict, new Statement($query))) {
            throw $e;
        }

        $this->replace($this->attempt->handle);

        $this->attempt = new Attempt;

        try {
            return $this->runQueryCallback($query, $bindings, $callback);
        } catch (QueryException $e) {
            $this->judge($e, $query);

            throw $e;
        }
    }

    /**
     * Report the failure of a statement, and throw if it may have been executed all the same.
     *
     * @throws \Amm\Exception\WriteInDoubt
     */
    private function judge(QueryException $e, string $query): ?Verdict
    {
        $attempt = $this->attempt;

        // Without a handle nothing was sent: the extension has tried every node already.
        if (! $attempt || ! $attempt->handle) {
            return null;
        }

        $verdict = $this->report($attempt->handle, $e->getPrevious() ?? $e);

        if ($verdict === Verdict::Lost
            && $attempt->sent
            && ! $attempt->inTransaction
            && ! (new Statement($query))->isPlainRead()) {
            throw $this->inDoubt('a statement', $attempt->handle, $e);
        }

        return $verdict;
    }

    /**
     * Determine if a statement that failed is to be repeated.
     */
    private function mayRepeat(?Verdict $verdict, Statement $statement): bool
    {
        if ($verdict === null || $this->attempt->inTransaction) {
            return false;
        }

        // What is lost and comes here was never sent or is a plain read.
        return $verdict === Verdict::Lost
            || ($verdict === Verdict::NotWritable && $statement->isOne());
    }

    /**
     * Create a transaction within the database.
     *
     * @return void
     *
     * @throws \Throwable
     */
    protected function createTransaction()
    {
        $this->replaceStaleHandles();

        parent::createTransaction();
    }

    /**
     * Handle an exception from a transaction beginning.
     *
     * @return void
     *
     * @throws \Throwable
     */
    protected function handleBeginTransactionException(Throwable $e)
    {
        if (! $this->pdo instanceof PDO) {
            throw $e;
        }

        $verdict = $this->report($this->pdo, $e);

        if ($verdict !== Verdict::Lost && $verdict !== Verdict::NotWritable) {
            throw $e;
        }

        $this->replace($this->pdo);

        $this->getPdo()->beginTransaction();
    }

    /**
     * Commit the active database transaction.
     *
     * @return void
     *
     * @throws \Throwable
     */
    public function commit()
    {
        try {
            parent::commit();
        } catch (Throwable $e) {
            throw $this->failedCommit($e);
        }
    }

    /**
     * Handle an exception encountered when committing a transaction.
     *
     * @param  int  $currentAttempt
     * @param  int  $maxAttempts
     * @return void
     *
     * @throws \Throwable
     */
    protected function handleCommitTransactionException(Throwable $e, $currentAttempt, $maxAttempts)
    {
        $failure = $this->failedCommit($e);

        if ($failure instanceof WriteInDoubt) {
            throw $failure;
        }

        parent::handleCommitTransactionException($e, $currentAttempt, $maxAttempts);
    }

    /**
     * Report a failed COMMIT; one that was lost on the way is in doubt.
     */
    private function failedCommit(Throwable $e): Throwable
    {
        // Listeners and callbacks run around it: theirs are query exceptions, or come later.
        if ($this->transactions !== 1 || ! $e instanceof PDOException || $e instanceof QueryException || ! $this->pdo instanceof PDO) {
            return $e;
        }

        if ($this->report($this->pdo, $e) !== Verdict::Lost) {
            return $e;
        }

        $this->transactions = 0;

        if ($this->transactionsManager) {
            $this->transactionsManager->rollback($this->getName(), 0);
        }

        return $this->inDoubt('a COMMIT', $this->pdo, $e);
    }

    /**
     * Handle an exception from a rollback.
     *
     * @return void
     *
     * @throws \Throwable
     */
    protected function handleRollBackException(Throwable $e)
    {
        if ($this->pdo instanceof PDO) {
            $this->report($this->pdo, $e);
        }

        parent::handleRollBackException($e);
    }

    /**
     * Replace the handles that a statement outside a transaction should no longer use.
     */
    private function replaceStaleHandles(?string $query = null): void
    {
        if ($this->transactions > 0) {
            return;
        }

        foreach ([$this->pdo, $this->readPdo] as $handle) {
            if ($handle instanceof PDO && $this->isStale($handle) && ! $this->readsItsOwnWrites($handle, $query)) {
                $this->replace($handle);
            }
        }
    }

    /**
     * Determine if a handle has lost its connection or its place.
     */
    private function isStale(PDO $handle): bool
    {
        if ($handle === $this->lost) {
            return true;
        }

        return $this->cluster()->nodeOf($handle) !== null
            && ! $this->cluster()->isAlive($handle)
            && ! $handle->inTransaction();
    }

    /**
     * Determine if a statement is to stay on a node that takes no more writes.
     *
     * Another node may not have applied yet what this connection has just written. So as long as
     * the node answers at all, a connection that is sticky, or has no hosts apart for reading,
     * goes on reading there.
     */
    private function readsItsOwnWrites(PDO $handle, ?string $query): bool
    {
        if ($query === null || $handle === $this->lost || ! $this->recordsModified) {
            return false;
        }

        if ($this->readPdo && ! $this->getConfig('sticky')) {
            return false;
        }

        $node = $this->cluster()->nodeOf($handle);

        return $node !== null
            && (new Statement($query))->isPlainRead()
            && ($this->cluster()->status()['nodes'][$node->id]['health'] ?? null) === 'up';
    }

    /**
     * Replace a handle by the resolver that dials anew.
     */
    private function replace(PDO $handle): void
    {
        if ($this->lost === $handle) {
            $this->lost = null;
        }

        if ($this->pdo !== $handle && $this->readPdo !== $handle) {
            return;
        }

        // A connection named "::read" or "::write" has one handle for both.
        if ($this->pdo === $this->readPdo || ! $this->dialWriter) {
            $this->reconnect();

            return;
        }

        if ($this->pdo === $handle) {
            $this->pdo = $this->dialWriter;
        }

        if ($this->readPdo === $handle) {
            $this->readPdo = $this->dialReader;
        }
    }

    /**
     * Take down which handle the attempt under way uses.
     */
    private function used(?PDO $handle): ?PDO
    {
        if ($this->attempt && $handle) {
            $this->attempt->use($handle, $this->transactions > 0);
        }

        return $handle;
    }

    /**
     * Report an error seen on a handle.
     */
    private function report(PDO $handle, Throwable $e): Verdict
    {
        $node = $this->cluster()->nodeOf($handle);

        $verdict = $node ? $this->cluster()->report($node, $e) : Errors::classify($e);

        if ($verdict === Verdict::Lost) {
            $this->lost = $handle;
        }

        return $verdict;
    }

    /**
     * Create the exception for what may or may not have happened.
     */
    private function inDoubt(string $what, PDO $handle, Throwable $e): WriteInDoubt
    {
        $node = $this->cluster()->nodeOf($handle);

        return new WriteInDoubt(sprintf(
            'The connection [%s] to %s broke after %s was sent and before it was answered: it may or may not have been executed.',
            $this->getName(), $node ? $node->id : 'the server', $what
        ), 0, $e);
    }

    /**
     * Get the cluster that the connection belongs to.
     */
    private function cluster(): Cluster
    {
        return Route::of($this->config)->cluster();
    }
}
