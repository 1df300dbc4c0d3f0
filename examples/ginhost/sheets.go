package main

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/gin-gonic/gin"
	"gorm.io/gorm"

	"github.com/assessplan/assessplan"
)

// answerSheet is a filled-in scale in the host's table. Its key, as text, is what the library knows as assessment.
type answerSheet struct {
	ID      uint64
	TaskID  string
	Answers []uint16 `gorm:"serializer:json"`
	UserID  uint64
	Score   int
}

func (s *answerSheet) assessment() assessplan.AssessmentID {
	return assessplan.AssessmentID(strconv.FormatUint(s.ID, 10))
}

// showEntry is what the page behind a link asks first: what is to be filled in, and until when.
func (h *host) showEntry(c *gin.Context) (int, any, error) {
	id, err := assessplan.ParseTaskID(c.Query("task_id"))
	if err != nil {
		return 0, nil, err
	}
	task, err := h.service.Manager.ResolveEntry(c.Request.Context(), id, c.Query("token"))
	return http.StatusOK, gin.H{"scale": task.Scale, "expire_at": task.ExpireAt}, err
}

// filledIn is what the page hands in.
type filledIn struct {
	Task    assessplan.TaskID `json:"task_id"`
	Token   string            `json:"token"`
	Answers []uint16          `json:"answers"`
}

func (h *host) fillIn(c *gin.Context) (int, any, error) {
	var in filledIn
	if err := read(c, &in); err != nil {
		return 0, nil, err
	}
	sheet, fresh, err := h.handIn(c.Request.Context(), in)
	status := http.StatusOK
	if fresh {
		status = http.StatusCreated
	}
	return status, gin.H{"sheet": sheet.ID}, err
}

// handIn stores a sheet and completes its task, both or neither: what the library refuses leaves no sheet, and what the
// database refuses leaves the task opened. Handing in the same sheet again, as a page does that got no answer, changes
// nothing; fresh says whether it was the first time.
func (h *host) handIn(ctx context.Context, in filledIn) (sheet answerSheet, fresh bool, err error) {
	err = h.transaction(ctx, func(tx *gorm.DB, manager *assessplan.Manager) error {
		if sheet, fresh, err = sheetOf(tx, in); err != nil {
			return err
		}
		task, err := manager.CompleteWithEntry(ctx, in.Task, in.Token, assessplan.Submission{AssessmentID: sheet.assessment()})
		if err != nil {
			return err
		}
		if !fresh {
			return sheet.same(in)
		}
		return sheet.evaluate(tx, task)
	})
	return sheet, fresh, err
}

// sheetOf returns the sheet of a task, made where there is none yet: the library wants its key.
func sheetOf(tx *gorm.DB, in filledIn) (sheet answerSheet, fresh bool, err error) {
	found := tx.Where("task_id = ?", in.Task.String()).Limit(1).Find(&sheet)
	if found.Error != nil || found.RowsAffected > 0 {
		return sheet, false, found.Error
	}
	sheet = answerSheet{TaskID: in.Task.String(), Answers: in.Answers}
	return sheet, true, tx.Select("TaskID", "Answers").Create(&sheet).Error
}

func (s *answerSheet) same(in filledIn) error {
	if !slices.Equal(s.Answers, in.Answers) {
		return errAnotherSheet
	}
	return nil
}

// evaluate stores what only the completed task tells: whose sheet it is, and of which scale. The database has the last
// word on the score.
func (s *answerSheet) evaluate(tx *gorm.DB, task assessplan.TaskState) error {
	userID, err := strconv.ParseUint(string(task.Testee), 10, 64)
	if err != nil {
		return err
	}
	s.UserID, s.Score = userID, 0
	for _, answer := range s.Answers {
		s.Score += int(answer)
	}
	return tx.Model(s).Select("UserID", "Score").Updates(s).Error
}
