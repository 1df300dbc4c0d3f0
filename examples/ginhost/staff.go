package main

import (
	"context"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/assessplan/assessplan"
)

// user is a person in the host's table. Its key, as text, is what the library knows as testee.
type user struct {
	ID    uint64 `json:"id"`
	OrgID string `json:"-"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

func (u *user) testee() assessplan.TesteeID { return assessplan.TesteeID(strconv.FormatUint(u.ID, 10)) }

// findUser returns a user of an org; one of another org is not found.
func (h *host) findUser(ctx context.Context, org assessplan.OrgID, id uint64) (found user, err error) {
	err = h.database.gorm.WithContext(ctx).Where("id = ? AND org_id = ?", id, string(org)).Take(&found).Error
	return found, err
}

func (h *host) createUser(c *gin.Context) (int, any, error) {
	var created user
	if err := read(c, &created); err != nil {
		return 0, nil, err
	}
	created.ID, created.OrgID = 0, string(orgOf(c))
	err := h.database.gorm.WithContext(c.Request.Context()).Create(&created).Error
	return http.StatusCreated, created, err
}

func (h *host) createPlan(c *gin.Context) (int, any, error) {
	var spec assessplan.PlanSpec
	if err := read(c, &spec); err != nil {
		return 0, nil, err
	}
	spec.Org = orgOf(c)
	plan, err := h.service.Manager.CreatePlan(c.Request.Context(), spec)
	return http.StatusCreated, gin.H{"id": plan.ID, "status": plan.Status}, err
}

// enroll puts a user of the host's into a plan.
func (h *host) enroll(c *gin.Context) (int, any, error) {
	var wanted struct {
		Plan  assessplan.PlanID    `json:"plan_id"`
		User  uint64               `json:"user_id"`
		Start assessplan.CivilDate `json:"start"`
	}
	if err := read(c, &wanted); err != nil {
		return 0, nil, err
	}
	ctx, org := c.Request.Context(), orgOf(c)
	who, err := h.findUser(ctx, org, wanted.User)
	if err != nil {
		return 0, nil, err
	}
	round, err := h.service.Manager.Enroll(ctx, assessplan.EnrollSpec{
		Org: org, Plan: wanted.Plan, Testee: who.testee(), Start: wanted.Start,
	})
	return http.StatusCreated, gin.H{"id": round.Enrollment.ID, "tasks": round.Enrollment.Planned}, err
}

// listTasks shows what a user owes and gave.
func (h *host) listTasks(c *gin.Context) (int, any, error) {
	id, err := strconv.ParseUint(c.Param("id"), 10, 64)
	if err != nil {
		return 0, nil, errNoUser
	}
	ctx, org := c.Request.Context(), orgOf(c)
	who, err := h.findUser(ctx, org, id)
	if err != nil {
		return 0, nil, err
	}
	page, err := h.service.Manager.ListTasks(ctx, assessplan.TaskQuery{Org: org, Testee: who.testee()})
	tasks := []gin.H{}
	for _, task := range page.Tasks {
		tasks = append(tasks, gin.H{"id": task.ID, "seq": task.Seq, "scale": task.Scale, "planned_at": task.PlannedAt, "status": task.Status})
	}
	return http.StatusOK, gin.H{"tasks": tasks}, err
}
