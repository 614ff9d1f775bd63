<?php

namespace Amm\Laravel\Connections;

use PDO;

/**
 * What is known of one try to run a statement, for judging its failure.
 */
final class Attempt
{
    /**
     * The handle that the statement runs on; null while there is none, as when dialling failed.
     */
    public ?PDO $handle = null;

    /**
     * Whether the handle was in a transaction, Laravel's or one begun by hand.
     */
    public bool $inTransaction = false;

    /**
     * Whether the server may have been told to execute the statement.
     */
    public bool $sent = false;

    /**
     * Take down the handle that was fetched.
     */
    public function use(PDO $handle, bool $inTransaction): void
    {
        $this->handle = $handle;
        $this->inTransaction = $inTransaction || $handle->inTransaction();
    }
}
